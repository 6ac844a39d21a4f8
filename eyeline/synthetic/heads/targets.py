"""What the renderer draws on and from: buffers with several samples a pixel, noise, projections."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from eyeline.results import Floats
from eyeline.synthetic.heads.view import Shot

SAMPLES = 4
FAR_MM = 1e5
"""Depth where nothing is."""
NOISE_PX = 512
_REACH_MM = 260.0


class Target:
    """Buffers of one size, with several samples a pixel, and what they are averaged into."""

    def __init__(self, context: Any, wh: tuple[int, int]) -> None:
        self.context, self.wh = context, wh
        colour = context.renderbuffer(wh, 4, samples=SAMPLES)
        self.depths = context.renderbuffer(wh, 1, samples=SAMPLES, dtype="f4")
        z = context.depth_renderbuffer(wh, samples=SAMPLES)
        self.opaque = context.framebuffer([colour, self.depths], z)
        self.colours = context.framebuffer([colour], z)
        self.only_depths = context.framebuffer([self.depths])
        self.flat_colour = context.framebuffer([context.renderbuffer(wh, 4)])
        self.flat_depth = context.framebuffer([context.renderbuffer(wh, 1, dtype="f4")])

    def clear_depths(self) -> None:
        """Nothing is very far away."""
        self.only_depths.clear(FAR_MM, 0, 0, 0)
        self.opaque.use()

    def read(self) -> tuple[Floats, Floats]:
        """Averages over the samples, from the top of the image down."""
        width, height = self.wh
        self.context.copy_framebuffer(self.flat_colour, self.colours)
        self.context.copy_framebuffer(self.flat_depth, self.only_depths)
        rgba = np.frombuffer(self.flat_colour.read(components=4, alignment=1), np.uint8)
        depth = np.frombuffer(
            self.flat_depth.read(components=1, alignment=1, dtype="f4"), np.float32
        )
        return rgba.reshape(height, width, 4).astype(np.float32) / 255, depth.reshape(height, width)


def projection(matrix: Floats, wh: tuple[int, int], shot: Shot) -> dict[str, Any]:
    """Uniforms of the vertex shaders; row 0 of what is read is the image's top."""
    focal, principal, size = np.diag(matrix)[:2], matrix[:2, 2], np.array(wh)
    near = max(40.0, float(shot.position[2]) - 700.0)
    far = float(shot.position[2]) + 1200.0
    return {
        "lens": np.concatenate([2 * focal / size, 2 * principal / size - 1]),
        "depths": np.array([(far + near) / (far - near), -2 * far * near / (far - near)]),
    }


def shadow_maps(shot: Shot) -> tuple[Floats, Floats]:
    """From the camera's frame to the shadow's texture, and from the head's to its clip volume."""
    ahead = -shot.lights[0, :3]
    across = np.cross([0.0, 1.0, 0.0], ahead)
    if np.linalg.norm(across) < 1e-3:
        across = np.array([1.0, 0, 0])
    across = across / np.linalg.norm(across)
    axes = np.stack([across, np.cross(ahead, across), ahead])
    centre = shot.position + shot.rotation @ [0.0, 40.0, 80.0]
    clip = np.eye(4)
    clip[:3, :3] = axes / _REACH_MM * np.array([[1.0], [1.0], [0.8]])
    clip[:3, 3] = -clip[:3, :3] @ centre
    texture = clip.copy()
    texture[:3] = 0.5 * texture[:3]
    texture[:3, 3] += 0.5
    head = np.eye(4)
    head[:3, :3], head[:3, 3] = shot.rotation, shot.position
    return texture, clip @ head


@cache
def noise_texture() -> Floats:
    """`(512, 512, 4)` uint8 that repeats: grain, clouds, spots, broad clouds."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(20)

    def cloud(*sizes: float) -> Floats:
        layers = [
            gaussian_filter(rng.normal(size=(NOISE_PX, NOISE_PX)), s, mode="wrap") * s
            for s in sizes
        ]
        return np.asarray(sum(s * layer for s, layer in zip(np.sqrt(sizes), layers, strict=True)))

    spots = gaussian_filter(
        (rng.random((NOISE_PX, NOISE_PX)) > 0.985).astype(float), 2.0, mode="wrap"
    )
    layers = [cloud(1.2), cloud(3, 6, 12, 24), spots, cloud(20, 40)]
    scaled = [0.5 + 0.19 * (layer - layer.mean()) / layer.std() for layer in layers]
    return np.asarray(255 * np.clip(np.stack(scaled, -1), 0, 1), np.uint8)
