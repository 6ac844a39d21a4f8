"""What is said of the ways of telling who speaks, in `list` and in reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from eyeline.results import Label, Method, Scores, Segments
from eyeline.weights_folder import placed

if TYPE_CHECKING:
    from eyeline.people.tracks import Track
    from eyeline.speech.voice import Speech
    from eyeline.video.audio import AudioBlock
    from eyeline.video.reader import Frame

LABELS: Mapping[str, Label] = {
    "speaking": Label("speaks", sign="speaks"),
    "voice": Label("voice is heard"),
}
MOUTH_AGREEMENT = Method(
    "speech",
    "mouth_agreement",
    "embedded default: silero voice activity, and the agreement of each visible mouth's opening, "
    "darkness and motion with the loudness and onsets of speech at several lags; a covered mouth "
    "says nothing",
    "on 36 s of labelled speech in four real clips, each with weights fitted without it: 66 % "
    "attributed to the right person, 16 % to a wrong one; on 38 s of eight further clips 90 % to "
    "the right one and none to a wrong one; see docs/accuracy.md",
    "own code, Apache-2.0; silero-vad MIT",
    weights="silero_vad.onnx",
)
LR_ASD = Method(
    "speech",
    "lr_asd",
    "LR-ASD active speaker network (Liao et al. 2025) with the authors' weights, given by the "
    "user or downloaded; the default where its file lies in the folder of weights",
    "by its authors on AVA-ActiveSpeaker and Columbia; not measured by us on a benchmark",
    "weights MIT (Junhua-Liao/LR-ASD); our code Apache-2.0",
    weights="finetuning_TalkSet.model",
)
SYNCNET = Method(
    "speech",
    "syncnet",
    "SyncNet (Chung and Zisserman 2016), as VGS uses it, with weights given by the user: how near "
    "each face's lips lie to the audio at the one shift that suits the video; nobody visible may "
    "speak",
    "never run by us with the authors' weights, which were not at hand. On the distances that they "
    "left for one real clip of 16 s silent faces agree by 0.13 at most, speaking ones by 0.30 at "
    "least; the threshold was set between them. On drawn talkers, with a made network, speech is "
    "told right",
    "its authors offer the weights beside code under the MIT licence and state none for them; our "
    "code Apache-2.0",
    weights="syncnet_v2.model",
)


class ActiveSpeaker(Protocol):
    """A method, ready to tell who speaks."""

    @property
    def notes(self) -> Sequence[str]:
        """What there is to tell the user of the last video."""

    def predict(
        self,
        speech: Speech,
        tracks: Sequence[Track],
        frames: Iterable[Frame],
        audio: Iterable[AudioBlock],
        *,
        until_s: float | None = None,
        rows: Sequence[Track] | None = None,
    ) -> tuple[Scores, Segments, Segments]:
        """Scores `speaking` and segments `speaking` and `voice`, see `speakers.who_speaks`.

        Args:
            speech: what is heard, as of `listen`.
            tracks: all faces, with identities; those of a method with `every_frame` in all frames.
            frames: one pass over all frames of the video.
            audio: one pass over the 16 kHz audio that `speech` was made of.
            until_s: end of the frames; speech after it is left out.
            rows: the tracks whose rows have scores, if they were followed at another rate.
        """


@dataclass(frozen=True)
class SpeakerEntry:
    """A method by which it is told who speaks."""

    method: Method
    """Summary, figures, licence."""
    create: Callable[[str | None, str], ActiveSpeaker]
    """From the user's file and a device; CheckpointError for a file that is not what it should
    be."""
    needs: str = ""
    """The user's file, in words; empty for one that needs none."""
    modules: tuple[str, ...] = ()
    """What must be installed, of `extras.PACKAGES`."""
    every_frame: bool = False
    """Whether it looks at the faces in all frames, whatever the rate of the analysis."""
    on_device: bool = False
    """Whether it runs on the device that the user chose."""
    place: tuple[str, str] | None = None
    """Where its file lies in the folder of weights."""
    preferred: bool = False
    """Whether it is the default once its file lies there."""

    def file(self, given: str | None) -> Path | None:
        """The user's file, else the one in the folder of weights; None where there is none."""
        if given is not None:
            return Path(given)
        return placed(*self.place) if self.place else None


def _mouth_agreement(weights: str | None, device: str) -> ActiveSpeaker:
    from eyeline.speech.speakers import MouthAgreement

    return MouthAgreement()


def _lr_asd(weights: str | None, device: str) -> ActiveSpeaker:
    from eyeline.speech.lr_asd import LrAsd

    return LrAsd(str(weights))


def _syncnet(weights: str | None, device: str) -> ActiveSpeaker:
    from eyeline.speech.syncnet.who_speaks import LipSync

    return LipSync(str(weights), device=device)


SPEAKERS: Mapping[str, SpeakerEntry] = {
    entry.method.builder: entry
    for entry in (
        SpeakerEntry(MOUTH_AGREEMENT, _mouth_agreement),
        SpeakerEntry(
            LR_ASD,
            _lr_asd,
            "the authors' finetuning_TalkSet.model",
            modules=("torch",),
            every_frame=True,
            place=("speech", "lr_asd.model"),
            preferred=True,
        ),
        SpeakerEntry(
            SYNCNET,
            _syncnet,
            "the authors' syncnet_v2.model, which they offer beside the code of SyncNet, or what "
            "`eyeline import gaze_following syncnet_v2.model -o syncnet.safetensors` makes of it",
            modules=("torch",),
            every_frame=True,
            on_device=True,
            place=("gaze_following", "syncnet.safetensors"),
        ),
    )
}
"""The table of active-speaker methods, by the name under which `analyze` takes them; the first is
the embedded default. A new one is a row here, and the file that it names."""


def default_speaker() -> str:
    """The preferred method whose file lies in the folder of weights, else the embedded one."""
    ready = (name for name, entry in SPEAKERS.items() if entry.preferred and entry.file(None))
    return next(ready, next(iter(SPEAKERS)))
