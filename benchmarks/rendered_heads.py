"""How far rendered heads are from real ones: a detector's hits, and what the network sees.

`python -m benchmarks.rendered_heads HEADS [--weights heads.safetensors] [--clips FILE ...]`.

- Hits: how often CenterFace finds the face of a render, by how far it faces away.
- Gap: area under the ROC curve of a logistic regression that classifies renders and real crops by
  the head network's features, on people and clips that it was not fitted on; 0.5 is no gap, 1 a
  plain one. Real crops are faces that CenterFace finds in the clips, renders those whose face it
  finds.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.geometry import boxes
from eyeline.people import head_crops
from eyeline.people.detect import CenterFace, head_box
from eyeline.results import Floats, Image
from eyeline.synthetic.heads.dataset import Heads, open_heads
from eyeline.systems.gaze_3d.rendered.data import facing_deg
from eyeline.systems.gaze_3d.rendered.score import FACING_DEG

PADDED_PX = 448
"""Side of the image that a render is laid into; a face is some 150 pixels high in it."""
LEAST_IOU = 0.3
FRAMES = 40
"""Of each clip, evenly spread."""


def found_face(detector: CenterFace, image: Image, face_xyxy: Floats) -> Floats | None:
    """The detected box of a render's face; None where there is none."""
    shift = (PADDED_PX - image.shape[0]) // 2
    padded = np.zeros((PADDED_PX, PADDED_PX, 3), np.uint8)
    padded[shift : shift + image.shape[0], shift : shift + image.shape[1]] = image
    result = detector.detect_small(padded, PADDED_PX, PADDED_PX).box_xyxy - shift
    overlap = boxes.iou(result, face_xyxy[None])[:, 0]
    return result[int(overlap.argmax())] if (overlap > LEAST_IOU).any() else None


def hits(heads: Heads, most: int) -> tuple[list[dict[str, float]], list[Floats | None]]:
    """Fractions of faces that are found, by bins of the angle away, and the boxes."""
    detector = CenterFace()
    number = range(min(most, len(heads)))
    box = [found_face(detector, heads.image(n), heads.labels["face_box"][n]) for n in number]
    hit, away = np.array([b is not None for b in box]), facing_deg(heads)[: len(box)]
    table = []
    for low, high in itertools.pairwise(FACING_DEG):
        some = (away >= low) & (away < high)
        if some.any():
            row = {"from_deg": low, "to_deg": high, "count": int(some.sum())}
            table.append(row | {"found": round(float(hit[some].mean()), 3)})
    return table, box


def real_crops(clips: Sequence[Path]) -> tuple[Image, Floats]:
    """Crops `(n, HEAD_PX, HEAD_PX, 3)` of faces in clips, and the clip of each."""
    import cv2

    detector, crops, clip = CenterFace(), [], []
    for number, path in enumerate(clips):
        video = cv2.VideoCapture(str(path))
        frames = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
        for frame in np.linspace(0, max(frames - 1, 0), FRAMES).astype(int):
            video.set(cv2.CAP_PROP_POS_FRAMES, int(frame))
            read, image = video.read()
            if not read:
                continue
            rgb = np.ascontiguousarray(image[..., ::-1])
            size = detector.input_size(rgb.shape[1], rgb.shape[0])
            small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
            for box in detector.detect_small(small, rgb.shape[1], rgb.shape[0]).box_xyxy:
                crops.append(cropped(rgb, box))
                clip.append(number)
    return np.array(crops), np.array(clip)


def cropped(image: Image, face_xyxy: Floats) -> Image:
    """As for the head network, from a detected face."""
    affine = head_crops.head_affine(head_box(face_xyxy))
    return head_crops.cut(image, affine, (head_crops.HEAD_PX, head_crops.HEAD_PX))


def gap(weights: Path, renders: Image, people: Floats, real: Image, clips: Floats) -> float:
    """Area under the ROC curve, over folds that share neither people nor clips."""
    import torch
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from eyeline.models import load
    from eyeline.systems.gaze_3d.rendered.model import HeadNet

    network = load(weights)
    assert isinstance(network, HeadNet)
    crops = head_crops.standardised(np.concatenate([renders, real]))
    with torch.inference_mode():
        parts = [network.features(part) for part in torch.from_numpy(crops).split(64)]
    values = torch.cat(parts).numpy()
    truth = np.repeat([0, 1], [len(renders), len(real)])
    groups = np.concatenate([people, people.max() + 1 + clips])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
    folds = GroupKFold(5)
    chances = cross_val_predict(
        model, values, truth, groups=groups, cv=folds, method="decision_function"
    )
    return float(roc_auc_score(truth, chances))


def run(data: Path, weights: Path | None, clips: Sequence[Path], most: int) -> dict[str, Any]:
    """Both figures; the gap only where weights and clips are given."""
    heads = open_heads(data)
    table, box = hits(heads, most)
    report: dict[str, Any] = {"samples": len(box), "centerface_found": table}
    if weights and clips:
        seen = [n for n, b in enumerate(box) if b is not None]
        renders = np.array([cropped(heads.image(n), box[n]) for n in seen])
        real, clip = real_crops(clips)
        report |= {"renders": len(renders), "real": len(real)}
        people = heads.labels["person"][seen]
        report["auc_of_features"] = round(gap(weights, renders, people, real, clip), 3)
    return report


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--clips", type=Path, nargs="*", default=[])
    parser.add_argument("--most", type=int, default=2000)
    given = parser.parse_args()
    print(json.dumps(run(given.data, given.weights, given.clips, given.most), indent=2))


if __name__ == "__main__":
    main()
