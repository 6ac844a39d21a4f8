"""Tiny data sets in the layouts that the authors publish, with directions that are known."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from eyeline.results import Image

GREY = np.full((48, 64, 3), 128, np.uint8)


def write_image(path: Path, image: Image = GREY) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image[..., ::-1])


def columbia(root: Path, image: Image = GREY) -> None:
    for pose, up, right in ((0, 0, 15), (0, 10, 0), (-15, 0, -10)):
        name = f"0007_2m_{pose}P_{up}V_{right}H.jpg"
        write_image(root / "Columbia Gaze Data Set" / "0007" / name, image)


def mpiifacegaze(root: Path) -> None:
    """Targets right of the face, and below it."""
    from scipy.io import savemat

    folder = root / "MPIIFaceGaze" / "p03"
    (folder / "Calibration").mkdir(parents=True)
    matrix = np.array([[50.0, 0, 32], [0, 50, 24], [0, 0, 1]])
    savemat(folder / "Calibration" / "Camera.mat", {"cameraMatrix": matrix})
    lines = []
    for name, face, target in (
        ("day01/0001.jpg", (10, 0, 500), (10 + 500, 0, 0)),
        ("day01/0002.jpg", (0, 0, 500), (0, 500, 0)),
    ):
        write_image(folder / name)
        lines.append(" ".join([name, *["0"] * 20, *map(str, face), *map(str, target), "left"]))
    (folder / "p03.txt").write_text("\n".join(lines) + "\n")


def gaze360(root: Path, names: tuple[str, str] = ("rec_000", "rec_001")) -> None:
    """Into the camera, to the image's right and up; the last is not of the test."""
    from scipy.io import savemat

    columns = {
        "recording": [1, 1, 1, 0],
        "frame": [7, 5, 6, 0],
        "person_identity": [3, 3, 3, 0],
        "split": [2, 2, 2, 0],
        "gaze_dir": np.array([[0, 1.0, 0], [0, 0, -1], [-1, 0, 0], [0, 0, 1]]),
    }
    rows = {k: np.array(v) if k == "gaze_dir" else np.array([v]) for k, v in columns.items()}
    root.mkdir(parents=True, exist_ok=True)
    savemat(root / "metadata.mat", rows | {"recordings": np.array([names], object)})
    for frame in (5, 6, 7):
        write_image(root / "imgs" / "rec_001" / "head" / "000003" / f"{frame:06d}.jpg")


def ethxgaze(root: Path) -> None:
    """Pitch up, and yaw; beside it a test subject without directions."""
    import h5py

    (root / "train").mkdir(parents=True)
    split = {"train": ["subject0003.h5", "subject0005.h5"], "test": ["subject0001.h5"]}
    (root / "train_test_split.json").write_text(json.dumps(split))
    for name in ("subject0001", "subject0003", "subject0005"):
        with h5py.File(root / "train" / f"{name}.h5", "w") as file:
            patches = np.zeros((3, 224, 224, 3), np.uint8)
            patches[..., 0] = 200  # blue comes first
            file["face_patch"] = patches
            if name == "subject0003":
                file["face_gaze"] = np.array([[0, 0], [0.3, 0], [0, 0.4]])


def eyediap(root: Path, session: str = "4_A_DS_S", frames: int = 4) -> None:
    """Eyes a metre before the camera; a target on a screen to the right, or a ball above."""
    from av import VideoFrame
    from av import open as open_video

    folder = root / "EYEDIAP" / "Data" / session
    folder.mkdir(parents=True)
    with open_video(str(folder / "rgb_vga.mov"), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(frames):
            container.mux(stream.encode(VideoFrame.from_ndarray(GREY, format="rgb24")))
        container.mux(stream.encode())
    (folder / "rgb_vga_calibration.txt").write_text(
        "[resolution]\n64;48\n[intrinsics]\n60;0;32\n0;60;24\n0;0;1\n"
        "[R]\n1;0;0\n0;-1;0\n0;0;-1\n[T]\n0;0;1\n"
    )
    eyes = ";".join(["30", "20", "34", "20", *["0"] * 8, "0.03", "0", "0", "-0.03", "0", "0"])
    rows = [f"{i};{eyes}" if i != 1 else f"{i}" for i in range(frames)]
    (folder / "eye_tracking.txt").write_text("\n".join(["Eyes", *rows]) + "\n")
    if "_FT_" in session:  # half a metre up, as high before the camera as the eyes
        rows = [f"{i};{';'.join(['1'] * 6)};0;0.5;0" for i in range(frames)]
        (folder / "ball_tracking.txt").write_text("\n".join(["Ball", *rows]) + "\n")
    else:
        rows = [f"{i};100;100;1;0;0" for i in range(frames)]
        (folder / "screen_coordinates.txt").write_text("\n".join(["Screen", *rows]) + "\n")
    states = root / "EYEDIAP" / "Annotations" / session / "gaze_state.txt"
    states.parent.mkdir(parents=True)
    states.write_text("".join(f"{i}\t{'BLINK' if i == 2 else 'OK'}\n" for i in range(frames)))
