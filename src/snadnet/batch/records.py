"""The record of a photo: what became of it, for people and as JSON (schema: docs/guides/batches.md)."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from snadnet.batch.other_formats import unreadable_format
from snadnet.deblurrer import Restoration
from snadnet.photo import path_text, printable

SCHEMA: Final = 1
"""Version of the records; it grows when a field changes its meaning or goes, not when one is added."""


class Status(StrEnum):
    """The outcome for a photo."""

    RESTORED = "restored"
    NO_FACE = "no-face"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class FaceRecord:
    """A restored face; places in pixels of the upright photo, the number as ``--face`` takes it."""

    number: int
    box: tuple[float | None, ...]
    landmarks: tuple[tuple[float | None, ...], ...]
    confidence: float | None
    sharpness_before: float | None
    sharpness_after: float | None
    blur: dict[str, float | str] | None


@dataclass(frozen=True)
class SkippedFaceRecord:
    """A face that was found and left as it is."""

    number: int
    box: tuple[float | None, ...]
    confidence: float | None
    reason: str


@dataclass(frozen=True)
class Record:
    """The outcome for one photo.

    Attributes:
        source: The input as the command line led to it; "-" is standard input.
        status: The outcome.
        message: The line that the user reads.
        outputs: The files that hold its result, the result itself first; "-" is standard output.
        faces: The faces that were restored, from the largest to the smallest.
        skipped_faces: The faces that were left as they are.
        notes: What else the user should know, in plain words.
        seconds: How long it took.
    """

    source: str
    status: Status
    message: str
    outputs: tuple[str, ...] = ()
    faces: tuple[FaceRecord, ...] = ()
    skipped_faces: tuple[SkippedFaceRecord, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def as_json(self) -> str:
        """Return the record on one line; characters beyond ASCII are escaped, so that any file name survives."""
        return json.dumps({"schema": SCHEMA, **asdict(self), "seconds": round(self.seconds, 3)}, allow_nan=False)


def unreadable_record(path: Path) -> Record:
    """Return the record of a photo in a folder whose format is not read."""
    message = f"{printable(path)}: is in a format that is not read ({unreadable_format(path)})"
    return Record(path_text(path), Status.UNREADABLE, f"{message}; convert it to JPEG, PNG or TIFF")


def face_records(result: Restoration) -> tuple[FaceRecord, ...]:
    """Return the records of the faces that were restored."""
    return tuple(
        FaceRecord(
            number=face.number,
            box=_places(face.box),
            landmarks=tuple(_places(point) for point in face.landmarks.tolist()),
            confidence=_number(face.confidence),
            sharpness_before=_number(face.sharpness_before),
            sharpness_after=_number(face.sharpness_after),
            blur=None if face.blur is None else face.blur.as_json(),
        )
        for face in result.faces
    )


def skipped_face_records(result: Restoration) -> tuple[SkippedFaceRecord, ...]:
    """Return the records of the faces that were left as they are."""
    return tuple(
        SkippedFaceRecord(
            number=face.number, box=_places(face.box), confidence=_number(face.confidence), reason=face.reason
        )
        for face in result.skipped
    )


def _places(values: Sequence[float]) -> tuple[float | None, ...]:
    """Round coordinates to hundredths of a pixel."""
    return tuple(round(value, 2) if math.isfinite(value) else None for value in values)


def _number(value: float) -> float | None:
    """Round to six digits; None for what is not finite, which JSON cannot hold."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
