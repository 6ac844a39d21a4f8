"""Draws meshes and ribbons by OpenGL: with a GPU, or on the processor by Mesa's llvmpipe."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.errors import UsageError
from eyeline.extras import needed_by
from eyeline.results import Floats
from eyeline.synthetic.heads.assets import Indices
from eyeline.synthetic.heads.ribbons import RIGID, Ribbons, vertices
from eyeline.synthetic.heads.targets import NOISE_PX, Target, noise_texture, projection, shadow_maps
from eyeline.synthetic.heads.things import Solid
from eyeline.synthetic.heads.view import Shot

SHADERS = Path(__file__).parent / "shaders"
SHADOW_PX = 384
_EYES, _NEAR_MM = np.array([0.0, 0.0, -15.0]), 75.0


@dataclass(frozen=True)
class Draw:
    """A mesh with the program that shades it."""

    program: str
    solid: Solid
    normals: Floats
    uniforms: Mapping[str, Any]


@dataclass(frozen=True)
class Window:
    """An image of a scene."""

    matrix: Floats
    """`(3, 3)` intrinsics."""
    wh: tuple[int, int]
    roll: Floats = field(default_factory=lambda: np.eye(3))
    """`(3, 3)` about the camera's axis, before the intrinsics."""
    near: bool = False
    """Whether it shows but the eyes, so that hair elsewhere may be left out."""


class Renderer:
    """Images of one size; one a process, as OpenGL has it."""

    def __init__(self) -> None:
        with needed_by("rendering heads"):
            import moderngl as gl
        moderngl: Any = gl  # checked alike whether it is installed or not
        with suppress(ImportError):  # torch's LLVM after Mesa's ends the process
            import_module("triton._C.libtriton")
        os.environ.setdefault("LP_NUM_THREADS", "0")  # processes share the work, not threads
        try:
            self.context = moderngl.create_context(standalone=True, backend="egl", require=400)
        except Exception as error:
            raise UsageError(
                f"no OpenGL 4.0 by EGL on this machine ({error}); Mesa brings one"
            ) from error
        self._moderngl = moderngl
        self.context.front_face = "cw"  # rows of the image go down
        self.programs = {
            name: self._program("solid", name) for name in ("skin", "eye", "cloth", "glass")
        }
        self.programs["hair"] = self._program("hair", "hair")
        self.shadow_programs = {
            n: self._program(n, "shadow", False) for n in ("shadow", "hair_shadow")
        }
        self.noise = self.context.texture((NOISE_PX, NOISE_PX), 4, noise_texture().tobytes())
        self.noise.build_mipmaps()
        self.noise.filter = moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR
        self.shadow = self.context.depth_texture((SHADOW_PX, SHADOW_PX))
        self.shadow.compare_func = "<="
        self.shadow.repeat_x = self.shadow.repeat_y = False
        self.shadow_target = self.context.framebuffer(depth_attachment=self.shadow)
        self._buffers: list[Any] = []
        self.targets: dict[tuple[int, int], Target] = {}

    def render(
        self,
        shot: Shot,
        draws: Sequence[Draw],
        ribbons: Sequence[Ribbons],
        lenses: Draw | None,
        seed: int,
        sheen: float,
        windows: Sequence[Window],
    ) -> list[tuple[Floats, Floats]]:
        """Colours with coverage and depths of one scene, seen through several intrinsics.

        Args:
            shot: head, camera and light.
            draws: opaque meshes.
            ribbons: hair.
            lenses: what is seen through, drawn last.
            seed: of the noise in surfaces.
            sheen: of the hair.
            windows: the images.

        Returns:
            For each window `(h, w, 4)` float32 in [0, 1], colours times coverage, and
            `(h, w)` millimetres along the camera's axis.
        """
        to_shadow, to_clip = shadow_maps(shot)
        light = shot.rotation.T @ shot.lights[0, :3]
        # skin last: what covers it spares the dearest shader
        draws = sorted(draws, key=lambda d: d.program == "skin")
        meshes = [self._mesh(d) for d in draws]
        hairs = self._hair(ribbons)
        glass = self._mesh(lenses) if lenses else None
        context, moderngl = self.context, self._moderngl
        context.enable_only(moderngl.DEPTH_TEST)
        self.shadow_target.use()
        self.shadow_target.clear(depth=1.0)
        _set(self.shadow_programs["shadow"], to_clip=to_clip)
        _set(self.shadow_programs["hair_shadow"], to_clip=to_clip, light=light)
        for _, array in meshes:
            array.render()
        for *_, array in hairs:
            array.render()
        self.shadow.use(0)
        self.noise.use(1)
        results = []
        offset = np.random.default_rng(seed).random(2)
        for window in windows:
            common = self._common(shot, to_shadow, window.roll)
            matrix, wh = window.matrix, window.wh
            target = self._target(wh)
            target.opaque.use()
            target.opaque.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
            target.clear_depths()
            lens = projection(matrix, wh, shot)
            if hairs:
                _set(self.programs["hair"], **common, **lens, sheen=sheen, pixels=wh[0] / 2)
                hairs[0][int(window.near)].render()
            for (array, _), draw in zip(meshes, draws, strict=True):
                own = _rolled(draw.uniforms, window.roll)
                _set(self.programs[draw.program], **common, **lens, offset=offset, **own)
                closed = draw.program == "skin" or draw.solid.part == 1
                context.enable_only(moderngl.DEPTH_TEST | (moderngl.CULL_FACE if closed else 0))
                array.render()
            context.enable_only(moderngl.DEPTH_TEST)
            if glass and lenses:
                target.colours.use()
                context.enable_only(moderngl.DEPTH_TEST | moderngl.BLEND)
                context.blend_func = (
                    moderngl.SRC_ALPHA,
                    moderngl.ONE_MINUS_SRC_ALPHA,
                    moderngl.ONE,
                    moderngl.ONE_MINUS_SRC_ALPHA,
                )
                _set(
                    self.programs["glass"],
                    **common,
                    **lens,
                    **_rolled(lenses.uniforms, window.roll),
                )
                glass[0].render()
                context.enable_only(moderngl.DEPTH_TEST)
            results.append(target.read())
        for mesh in [*meshes, *hairs, *([glass] if glass else [])]:
            for array in mesh:
                array.release()
        for buffer in self._buffers:
            buffer.release()
        self._buffers.clear()
        return results

    def _program(self, vertex: str, fragment: str, shaded: bool = True) -> Any:
        common = _source("common.glsl") if shaded else ""
        above = common if vertex == "hair" else ""
        common += _source("bump.glsl") if vertex == "solid" else ""
        return self.context.program(
            vertex_shader=above + _source(f"{vertex}.vert"),
            fragment_shader=common + _source(f"{fragment}.frag"),
        )

    def _buffer(self, values: Floats | Indices) -> Any:
        buffer = self.context.buffer(np.ascontiguousarray(values).tobytes())
        self._buffers.append(buffer)
        return buffer

    def _mesh(self, draw: Draw) -> tuple[Any, Any]:
        """Arrays for the image and for the shadow."""
        solid = draw.solid
        data = np.hstack([solid.points, draw.normals, solid.rest, solid.masks]).astype(np.float32)
        buffer, index = self._buffer(data), self._buffer(solid.triangles.astype(np.int32))
        program, shadow = self.programs[draw.program], self.shadow_programs["shadow"]
        names = [
            (n, f) for n, f in (("place", "3f"), ("normal", "3f"), ("rest", "3f"), ("masks", "4f"))
        ]
        layout = " ".join(f if n in program else f"{4 * int(f[0])}x" for n, f in names)
        present = [n for n, _ in names if n in program]
        return (
            self.context.vertex_array(program, [(buffer, layout, *present)], index),
            self.context.vertex_array(shadow, [(buffer, "3f 40x", "place")], index),
        )

    def _hair(self, ribbons: Sequence[Ribbons]) -> list[tuple[Any, ...]]:
        """Arrays for images, for images of the eyes, and for the shadow, of every second ribbon."""
        if not ribbons:
            return []
        parts, every, close, dark, count = [], [], [], [], 0
        for kind in ribbons:
            data, index = vertices(kind)
            parts.append(data)
            index = index.reshape(len(kind.points), -1) + count
            near = np.linalg.norm(kind.points - _EYES, axis=-1).min(1) < _NEAR_MM
            every.append(index.ravel())
            close.append(index[near].ravel())
            dark.append(index[:: 1 if kind.kind == RIGID else 2].ravel())
            count += len(data)
        buffer = self._buffer(np.concatenate(parts))
        full, part, shade = (
            self._buffer(np.concatenate(i).astype(np.int32)) for i in (every, close, dark)
        )
        layout = [(buffer, "3f 3f 4f 3f", "place", "along", "strand", "tint")]
        shadow = [(buffer, "3f 3f 4f 12x", "place", "along", "strand")]
        hair, dim = self.programs["hair"], self.shadow_programs["hair_shadow"]
        array = self.context.vertex_array
        return [(array(hair, layout, full), array(hair, layout, part), array(dim, shadow, shade))]

    def _common(self, shot: Shot, to_shadow: Floats, roll: Floats) -> dict[str, Any]:
        back = np.eye(4)
        back[:3, :3] = roll.T
        return {
            "unroll": roll.T,
            "light_to": shot.lights[:, :3] @ roll.T,
            "light_rgb": shot.lights[:, 3:],
            "ambient": shot.ambient,
            "exposure": shot.exposure,
            "shadow_strength": shot.shadow,
            "to_shadow": to_shadow @ back,
            "shadow_map": 0,
            "noise": 1,
            "rotation": roll @ shot.rotation,
            "shift": roll @ shot.position,
        }

    def _target(self, wh: tuple[int, int]) -> Target:
        if wh not in self.targets:
            self.targets[wh] = Target(self.context, wh)
        return self.targets[wh]


def normals(points: Floats, triangles: Indices) -> Floats:
    """Unit vectors `(n, 3)` at the vertices, by area."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    summed = np.stack(
        [np.bincount(triangles.ravel(), np.repeat(across[:, k], 3), len(points)) for k in range(3)],
        1,
    )
    return np.asarray(summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-9))


def _rolled(uniforms: Mapping[str, Any], roll: Floats) -> dict[str, Any]:
    """Uniforms whose directions and places go with the camera's roll."""
    turned = {n: roll @ uniforms[n] for n in ("iris_at", "gaze", "up", "centre") if n in uniforms}
    if "window" in uniforms:
        turned["window"] = np.array([*(roll @ uniforms["window"][:3]), uniforms["window"][3]])
    return {**uniforms, **turned}


def _set(program: Any, **values: Any) -> None:
    """Uniforms that the program has; OpenGL wants matrices column by column."""
    for name, value in values.items():
        if name not in program:
            continue
        if isinstance(value, np.ndarray):
            square = (
                value.ndim == 2 and value.shape[0] == value.shape[1] and value.shape[0] in (3, 4)
            )
            square = square and name in ("rotation", "unroll", "to_shadow", "to_clip")
            program[name].write((value.T if square else value).astype(np.float32).tobytes())
        else:
            program[name].value = value


def _source(name: str) -> str:
    return (SHADERS / name).read_text(encoding="utf-8")
