from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy.signal import stft

from eyeline.results import Floats
from eyeline.synthetic.voice import Voice, speak
from eyeline.systems.ego_social.inputs import AUDIO_HZ
from eyeline.systems.ego_social.log_mel import LogMel
from eyeline.systems.ego_social.synthetic.scenes import Scene, Turn, draw_scene
from eyeline.systems.ego_social.synthetic.voices import addressing, hear

HIGH = Voice(220.0, 1.05, 4.5, 0.05)


def level_db(audio: Floats) -> float:
    return float(10 * np.log10(np.mean(np.square(audio)) + 1e-12))


def heard_turns(turns: tuple[Turn, ...], yaw_deg: float = 0.0) -> tuple[Scene, Floats]:
    scene = draw_scene(np.random.default_rng(0), 240, 320, 180)
    head = replace(scene.heads[0], distance_m=1.0, turned_rad=np.zeros((240, 3)))
    head.turned_rad[:, 0] = np.radians(yaw_deg)
    scene = replace(scene, heads=(head,), turns=turns)
    return scene, hear(np.random.default_rng(9), scene).audio


def part(audio: Floats, start: int, end: int) -> Floats:
    return audio[start * AUDIO_HZ // 30 : end * AUDIO_HZ // 30]


def test_the_wearer_is_nearest() -> None:
    turns = (Turn("0", 10, 80, False), Turn("1", 90, 160, False), Turn("-1", 170, 230, False))
    _, audio = heard_turns(turns)
    assert len(audio) == 8 * AUDIO_HZ
    levels = [level_db(part(audio, turn.start, turn.end)) for turn in turns]
    assert levels[0] > levels[1] + 3 > levels[2] + 3
    assert level_db(audio[: AUDIO_HZ // 4]) < levels[2] - 8
    assert np.abs(audio).max() <= 1


def test_who_faces_us_sounds_clearer() -> None:
    """The same words: louder, brighter, its high tones with deeper gaps."""
    turn = (Turn("1", 10, 230, True),)
    facing, away = (part(heard_turns(turn, yaw)[1], 10, 230) for yaw in (0.0, 60.0))
    assert level_db(facing) > level_db(away) + 2

    def bright(audio: Floats) -> float:
        power = np.abs(np.fft.rfft(audio)) ** 2
        return float(power[len(power) // 3 :].sum() / power.sum())

    def depth(audio: Floats) -> float:
        frequency, _, short = stft(audio, AUDIO_HZ, nperseg=400, noverlap=240)
        high = (np.abs(short[frequency > 3000]) ** 2).sum(axis=0)
        return float(np.std(np.log(high + 1e-9)))

    assert bright(facing) > 1.5 * bright(away)
    assert depth(facing) > 1.1 * depth(away)


def test_who_means_us_speaks_clearly() -> None:
    """Slower, with gaps and a livelier melody, in the same voice."""
    us, others = (addressing(HIGH, us) for us in (True, False))
    assert (us.pitch_hz, us.tract) == (others.pitch_hz, others.tract) == (220.0, 1.05)
    assert us.syllables_s < HIGH.syllables_s < others.syllables_s
    assert us.melody > HIGH.melody > others.melody
    shut = []
    for voice in (us, others):
        mouth = speak(np.random.default_rng(5), voice, 20.0)[1]
        opened = (mouth[1:] > 0.3) & (mouth[:-1] <= 0.3)
        shut.append((float(opened.sum()), float((mouth < 0.05).mean())))
    assert shut[0][0] < 0.85 * shut[1][0]
    assert shut[0][1] > shut[1][1]


def test_the_manner_is_heard_by_the_network() -> None:
    """After its front end, which takes loudness and timbre away, rows change more slowly."""
    rng, front_end = np.random.default_rng(1), LogMel()
    slower = []
    for _ in range(24):
        voice = Voice.drawn(rng)
        change = []
        for us in (True, False):
            audio = torch.from_numpy(speak(rng, addressing(voice, us), 2.0)[0])[None]
            change.append(float(front_end(audio)[0, :16].diff(dim=1).abs().mean()))
        slower.append(change[0] < change[1])
    assert np.mean(slower) > 0.7


def test_mouths_of_others_stay_shut() -> None:
    scene = draw_scene(np.random.default_rng(0), 240, 320, 180)
    heads = tuple(replace(scene.heads[0], person=name) for name in ("1", "2"))
    scene = replace(scene, heads=heads, turns=(Turn("2", 60, 150, True),))
    mouths = hear(np.random.default_rng(0), scene).mouths
    assert mouths[0].max() == 0
    assert mouths[1][60:151].mean() > 0.15
    assert mouths[1][:60].max() == mouths[1][151:].max() == 0


def test_silence_is_quiet() -> None:
    scene = replace(draw_scene(np.random.default_rng(0), 60, 320, 180), turns=())
    audio = hear(np.random.default_rng(0), scene).audio
    assert -80 < level_db(audio) < -35
