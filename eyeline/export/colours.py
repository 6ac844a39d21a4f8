"""One colour a person, the same in the video and in the report."""

from __future__ import annotations

import colorsys

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

_PALETTE: tuple[Colour, ...] = (
    (47, 125, 209),
    (226, 122, 43),
    (38, 154, 112),
    (194, 77, 148),
    (132, 99, 214),
    (190, 148, 22),
    (30, 158, 178),
    (166, 98, 62),
    (208, 68, 82),
    (108, 142, 42),
)
"""Told apart by most colour-blind eyes in this order; dark enough for white text on them."""
_NEUTRAL: Colour = (112, 122, 134)
_GOLDEN = 0.61803398875


def person_colour(person: int) -> Colour:
    """The colour of a person's number; the camera wearer and the unseen are grey."""
    if person < 1:
        return _NEUTRAL
    if person <= len(_PALETTE):
        return _PALETTE[person - 1]
    hue = (person * _GOLDEN) % 1.0
    lightness = 0.38 + 0.12 * (person % 3) / 2
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, 0.55)
    return round(red * 255), round(green * 255), round(blue * 255)


def hex_colour(colour: Colour) -> str:
    """A colour as CSS writes it."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
