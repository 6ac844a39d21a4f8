"""Finding labels without annotators: one pass over a video against the published way of doing it.

The gaze network has random weights, which cost the same time. The published way is imitated from
its description, with the same detector, landmarks and embedding, so that only the way counts: the
video is converted to 25 Hz first and decoded again from there, every face of every frame is
embedded, the gaze network sees one face at a time with its gradients' graph, and OPTICS is told to
use all processors. What the published detector itself costs stands beside it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SECONDS = 4.0
POINTS = 1500


def run(threads: int = 1) -> dict[str, object]:
    """Seconds of work a second of video for both ways, and their ratio.

    Args:
        threads: of torch, for both ways; more than there are free cores slow the published way,
            which asks for many small pieces of work, out of all proportion.
    """
    import cv2
    import torch

    from benchmarks.clips import clip

    cv2.setNumThreads(1)
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "short.mp4"
        length_s = _cut(clip(), video, SECONDS)
        ours, parts = _ours(video, Path(folder), threads)
        theirs, stages = _published(video, Path(folder))
    return {
        "video": clip().name,
        "video_s": round(length_s, 2),
        "threads": threads,
        "one_pass_s_per_video_s": round(ours / length_s, 2),
        "published_way_s_per_video_s": round(theirs / length_s, 2),
        "ratio": round(theirs / ours, 2),
        "one_pass": parts,
        "published_way_stages_s": stages,
        "published_detector_s_per_frame": round(_mmod(clip()), 2),
        "optics": _optics(),
    }


def _ours(video: Path, folder: Path, threads: int) -> tuple[float, dict[str, object]]:
    from eyeline.people.embed import Embedder
    from eyeline.systems.eye_contact.discovery.bodies import make_bodies
    from eyeline.systems.eye_contact.discovery.extract import Instruments, extract
    from eyeline.systems.eye_contact.discovery.faces import make_finder
    from eyeline.systems.eye_contact.discovery.identity import Person, references_of_video
    from eyeline.systems.eye_contact.xgaze.gaze_network import xgaze_resnet50
    from eyeline.systems.eye_contact.xgaze.running import GazeFeatures

    gaze = GazeFeatures(xgaze_resnet50(), threads=threads)
    tools = Instruments(make_finder(), Embedder(), gaze, make_bodies(), save_last=True)
    known, looked_s = _timed(lambda: references_of_video(video, tools.finder, tools.embedder))
    person = Person(known, "video")
    result, took_s = _timed(lambda: extract(video, folder, person, tools))
    return took_s, {
        "frames": result.frames,
        "gaze_points": result.gaze_points,
        "faces_embedded": result.faces_embedded,
        "known_faces_s": round(looked_s, 2),
    }


def _published(video: Path, folder: Path) -> tuple[float, dict[str, float]]:
    from eyeline.video.constant import convert_to_25_fps

    target = folder / "short_fps25.mkv"
    _, converted_s = _timed(lambda: convert_to_25_fps(video, target))
    stages = _frame_by_frame(target) | {"conversion": converted_s}
    return sum(stages.values()), {name: round(s, 2) for name, s in stages.items()}


def _frame_by_frame(video: Path) -> dict[str, float]:
    """Decoding, faces, identity, normalisation and gaze, one frame and one face after the other."""
    import cv2

    from eyeline.people.embed import Embedder
    from eyeline.systems.eye_contact.discovery.faces import embedding, make_finder, still
    from eyeline.systems.eye_contact.xgaze.gaze_network import xgaze_resnet50
    from eyeline.systems.eye_contact.xgaze.inputs import cut_faces, network_input, views

    finder, embedder, network = make_finder(), Embedder(), xgaze_resnet50().eval()
    spent = dict.fromkeys(("decoding", "faces", "identity", "normalisation", "gaze"), 0.0)

    def timed(stage: str, work: Callable[[], Any]) -> Any:
        answer, took_s = _timed(work)
        spent[stage] += took_s
        return answer

    read = cv2.VideoCapture(str(video))
    while True:
        there, bgr = timed("decoding", read.read)
        if not there:
            return spent
        rgb = np.ascontiguousarray(bgr[..., ::-1])
        faces = timed("faces", lambda rgb=rgb: finder.find(still(rgb)))
        for face in faces:
            timed("identity", lambda rgb=rgb, face=face: embedding(rgb, face, embedder))
        if faces:
            six = faces[0].six_px[None]
            size = rgb.shape[1], rgb.shape[0]
            seen = timed("normalisation", lambda six=six, size=size: views(six, *size))
            cut = timed("normalisation", lambda bgr=bgr, seen=seen: cut_faces(bgr, seen.warp))
            timed("gaze", lambda cut=cut: network(network_input(cut)))


def _mmod(video: Path) -> float:
    """Seconds that dlib's CNN detector takes for one frame."""
    from eyeline.people.mmod import Mmod
    from eyeline.video.reader import VideoReader

    detector = Mmod()
    frame = next(iter(VideoReader(video)))
    return _timed(lambda: detector.detect(frame))[1]


def _optics() -> dict[str, object]:
    """One fit as here, and told to use all processors."""
    from sklearn.cluster import OPTICS

    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(3000, 20, (POINTS // 2, 2)), rng.normal(0, 600, (750, 2))])
    seconds = {
        jobs: _timed(
            lambda jobs=jobs: OPTICS(
                min_samples=5, max_eps=8, min_cluster_size=0.2, n_jobs=jobs
            ).fit(points)
        )[1]
        for jobs in (None, -1)
    }
    return {
        "points": POINTS,
        "fit_s": round(seconds[None], 2),
        "fit_with_all_processors_s": round(seconds[-1], 2),
        "ratio": round(seconds[-1] / seconds[None], 1),
    }


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    begin = time.perf_counter()
    answer = work()
    return answer, time.perf_counter() - begin


def _cut(source: Path, target: Path, seconds: float) -> float:
    """The first seconds of a video without its audio, copied; how long they are."""
    import av

    with av.open(str(source)) as read, av.open(str(target), "w") as write:
        stream = read.streams.video[0]
        into = write.add_stream_from_template(stream)
        for packet in read.demux(stream):
            if packet.dts is None or packet.dts * stream.time_base >= seconds:
                continue
            packet.stream = into
            write.mux(packet)
    from eyeline.video.reader import probe

    return probe(target).duration_s


if __name__ == "__main__":
    import json

    print(json.dumps(run(), indent=2))
