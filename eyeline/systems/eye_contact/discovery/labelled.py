"""Which videos are labelled, and what each gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eyeline.errors import UsageError

SECONDS = (120, 720)
"""Shortest and longest video that is used, whole seconds, both included."""
POINTS = (1500, 30000)
"""Fewest and most gaze points, both included."""
LEAST_TRACKLETS = 2


@dataclass(frozen=True)
class Limits:
    """Which videos are used."""

    seconds: tuple[float, float] = SECONDS
    points: tuple[int, int] = POINTS
    tracklets: int = LEAST_TRACKLETS

    def __post_init__(self) -> None:
        """Check that the ranges are some."""
        for name, (least, most) in (("seconds", self.seconds), ("points", self.points)):
            if not 0 <= least <= most:
                raise UsageError(f"{name}: {least} to {most} is no range")


@dataclass(frozen=True)
class VideoLabels:
    """What one video gave."""

    video: str
    skipped: str = ""
    """Why it was left out, empty where it was not."""
    kept: bool = False
    """Whether its labels were there already."""
    points: int = 0
    fits: int = 0
    eps_mm: float = 0.0
    clusters: int = 0
    contact: int = 0
    no_contact: int = 0
    unknown: int = 0
    """Frames of tracklets by label."""

    def __str__(self) -> str:
        """One line."""
        if self.skipped:
            return f"{self.video}: left out, {self.skipped}"
        return (
            f"{self.video}: {self.contact} frames of contact, {self.no_contact} of none, "
            f"{self.unknown} unknown; {self.points} gaze points, {self.fits} fits"
        )


@dataclass(frozen=True)
class Summary:
    """What a root gave."""

    videos: tuple[VideoLabels, ...]
    tracklets: int
    """Rows of the training list."""

    @property
    def labelled(self) -> tuple[VideoLabels, ...]:
        """The videos with labels."""
        return tuple(video for video in self.videos if not video.skipped)

    @property
    def skipped(self) -> Mapping[str, str]:
        """Reason by video."""
        return {video.video: video.skipped for video in self.videos if video.skipped}

    def __str__(self) -> str:
        """One line."""
        return (
            f"labels of {len(self.labelled)} videos, {self.tracklets} tracklets; "
            f"{len(self.skipped)} videos left out"
        )

    def as_dict(self) -> dict[str, Any]:
        """Counts and reasons, ready for JSON."""
        done = self.labelled
        return {
            "videos": len(done),
            "tracklets": self.tracklets,
            "frames": {
                name: sum(getattr(video, name) for video in done)
                for name in ("contact", "no_contact", "unknown")
            },
            "skipped": dict(self.skipped),
        }
