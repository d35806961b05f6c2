"""The report of a batch: a line for each photo, records in JSON, and a summary (schema: docs/guides/batches.md)."""

import errno
import json
import math
import os
import stat
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TextIO

import typer

from snadnet import __version__
from snadnet.cli.deblur.other_formats import unreadable_format, unreadable_in_words
from snadnet.cli.shared.outputs import refuse_existing
from snadnet.deblurrer import Restoration
from snadnet.files import write_atomically
from snadnet.photo import printable
from snadnet.video.results import VideoResult

SCHEMA: Final = 1
"""Version of the records; it grows when a field changes its meaning or goes, not when one is added."""


class Status(StrEnum):
    """The outcome for a photo."""

    RESTORED = "restored"
    NO_FACE = "no-face"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNREADABLE = "unreadable"


_IN_WORDS: Final = {
    Status.RESTORED: "restored",
    Status.NO_FACE: "without a face to restore",
    Status.FAILED: "failed",
    Status.SKIPPED: "skipped",
    Status.UNREADABLE: "in a format that is not read",
}


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
class TrackRecord:
    """A face that was followed through a clip; times in seconds, flicker in 8-bit grey levels."""

    number: int
    start: float | None
    end: float | None
    frames: int
    restored: int
    size: float | None
    reason: str | None
    flicker_before: float | None
    flicker_after: float | None


@dataclass(frozen=True)
class ClipRecord:
    """What was done to a clip."""

    frames: int
    restored_frames: int
    damaged: int
    continued_from: int
    faces: tuple[TrackRecord, ...]


@dataclass(frozen=True)
class Record:
    """The outcome for one photo or clip.

    Attributes:
        source: The input as the command line led to it; "-" is standard input.
        status: The outcome.
        message: The line that the user reads.
        outputs: The files that hold its result, the result itself first; "-" is standard output.
        faces: The faces that were restored, from the largest to the smallest.
        skipped_faces: The faces that were left as they are.
        notes: What else the user should know, in plain words.
        seconds: How long it took.
        clip: What was done to a clip; None for a photo.
    """

    source: str
    status: Status
    message: str
    outputs: tuple[str, ...] = ()
    faces: tuple[FaceRecord, ...] = ()
    skipped_faces: tuple[SkippedFaceRecord, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    clip: ClipRecord | None = None

    def as_json(self) -> str:
        """Return the record on one line; characters beyond ASCII are escaped, so that any file name survives."""
        return json.dumps({"schema": SCHEMA, **asdict(self), "seconds": round(self.seconds, 3)}, allow_nan=False)


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


def clip_record(result: VideoResult) -> ClipRecord:
    """Return the record of what was done to a clip."""
    faces = tuple(
        TrackRecord(
            number=face.number,
            start=_number(face.start),
            end=_number(face.end),
            frames=face.frames,
            restored=face.restored,
            size=_number(face.size),
            reason=face.reason,
            flicker_before=None if face.flicker_before is None else _number(face.flicker_before),
            flicker_after=None if face.flicker_after is None else _number(face.flicker_after),
        )
        for face in result.faces
    )
    return ClipRecord(result.frames, result.restored_frames, result.damaged, result.continued_from, faces)


class Report:
    """Reports on a batch while it runs, and at its end.

    Lines about restored and skipped photos go to standard output, others to standard error.

    Args:
        total: How many records there will be.
        clips: How many of them are clips.
        only_errors: Whether all words go to standard error, as standard output is for a photo.
        json_path: File for one JSON document, written at the end, or None.
        jsonl_path: File for a line of JSON a photo, each written at once, or None.
        overwrite: Whether existing report files are replaced.
        append: Whether to continue an existing ``jsonl_path``.

    Raises:
        OutputExistsError: If a report file exists already.
        OSError: If a report file cannot be written.
    """

    def __init__(
        self,
        *,
        total: int,
        clips: int = 0,
        only_errors: bool = False,
        json_path: Path | None = None,
        jsonl_path: Path | None = None,
        overwrite: bool = False,
        append: bool = False,
    ) -> None:
        self.counts: Counter[Status] = Counter()
        self._total = total
        self._clips = clips
        self._only_errors = only_errors
        self._start = time.monotonic()
        self._json_path = json_path
        self._kept: list[str] = []
        if json_path is not None:
            _check_report_file(json_path, may_exist=overwrite)
        self._jsonl_path = jsonl_path
        self._append = append
        self._jsonl: TextIO | None = None
        if jsonl_path is not None:
            _check_report_file(jsonl_path, may_exist=overwrite or append)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._jsonl is not None:
            self._jsonl.close()

    def add(self, record: Record) -> None:
        """Count a record, print its line and write it down."""
        troubled = record.status in {Status.FAILED, Status.NO_FACE}
        # `print` (unlike `typer.echo`) passes above a running progress bar.
        print(record.message, file=sys.stderr if troubled or self._only_errors else sys.stdout, flush=True)
        self._write_down(record)

    def add_unreadable(self, photos: Sequence[Path]) -> None:
        """Count photos that were left out for their formats, print one line on all of them, and write each down."""
        if not photos:
            return
        print(unreadable_in_words(list(photos)), file=sys.stderr, flush=True)
        for path in photos:
            message = f"{printable(path)}: is in a format that is not read ({unreadable_format(path)})"
            self._write_down(Record(str(path), Status.UNREADABLE, f"{message}; convert it to JPEG, PNG or TIFF"))

    def _write_down(self, record: Record) -> None:
        self.counts[record.status] += 1
        if self._json_path is not None:
            self._kept.append(record.as_json())
        if self._jsonl_path is not None:
            # Opened for the first record: where nothing can be begun, no empty report stands in the way next time.
            self._jsonl = self._jsonl or _opened(self._jsonl_path, append=self._append)
            self._jsonl.write(record.as_json() + "\n")
            self._jsonl.flush()

    def finish(self, stopped_by: str | None) -> None:
        """Print the summary, unless there was only one photo, and write the JSON document.

        Args:
            stopped_by: What stopped the batch before its end, or None.
        """
        if self._total != 1 or self.missing:
            print(self._summary(stopped_by), file=sys.stderr if self._only_errors else sys.stdout, flush=True)
        if self._json_path is not None:
            write_atomically(self._json_path, self._document(stopped_by).encode("ascii"))

    @property
    def missing(self) -> int:
        """How many photos were not reached."""
        return self._total - self.counts.total()

    def _summary(self, stopped_by: str | None) -> str:
        done = ", ".join(f"{self.counts[status]} {_IN_WORDS[status]}" for status in Status if self.counts[status])
        noun = "photo" if not self._clips else "clip" if self._clips == self._total else "file"
        photos = f"{self._total} {noun if self._total == 1 else f'{noun}s'}"
        seconds = time.monotonic() - self._start
        if not self.missing:
            return f"{photos}: {done or 'nothing to do'} ({seconds:.1f} s)"
        return (
            f"{photos}: stopped by {stopped_by} after {self.counts.total()}: {done or 'none done'},"
            f" {self.missing} not reached ({seconds:.1f} s); to go on, run it again with --skip-existing"
            f"{', and a clip goes on where it was' if self._clips else ''}"
        )

    def _document(self, stopped_by: str | None) -> str:
        head = {
            "schema": SCHEMA,
            "generator": f"snadnet {__version__}",
            "stopped_by": stopped_by,
            "summary": {
                "photos": self._total,
                **{status.value: self.counts[status] for status in Status},
                "not-reached": self.missing,
                "seconds": round(time.monotonic() - self._start, 3),
            },
        }
        # A record a line: fit for people and for tools that compare lines.
        records = ",\n".join(self._kept)
        return f'{json.dumps(head, allow_nan=False)[:-1]}, "photos": [\n{records}\n]}}\n'


def exit_code(counts: Counter[Status], *, require_face: bool) -> int:
    """Return 0 if all is done, 1 if some failed, 3 if only faces were missing and ``require_face`` asks for it.

    Without ``require_face``, a photo without a face to restore counts as failed.
    """
    if counts[Status.FAILED]:
        return 1
    if counts[Status.NO_FACE]:
        return 3 if require_face else 1
    return 0


def _check_report_file(path: Path, *, may_exist: bool) -> None:
    """Refuse, before hours of work, a report that could not be written at their end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    if not os.path.lexists(path):
        return
    # Never something like /dev/stdout, which a moved file would replace.
    if not stat.S_ISREG(path.lstat().st_mode):
        raise typer.BadParameter(f"{printable(path)} is not a regular file; give a file name", param_hint="--json")
    refuse_existing([path], overwrite=may_exist)


def _opened(path: Path, *, append: bool) -> TextIO:
    """Open the file of lines, and end a half-written line that a full disk or a power cut left."""
    file = path.open("a" if append else "w", encoding="ascii")
    if file.tell():
        with path.open("rb") as before:
            before.seek(-1, os.SEEK_END)
            if before.read() != b"\n":
                file.write("\n")
    return file


def _places(values: Sequence[float]) -> tuple[float | None, ...]:
    """Round coordinates to hundredths of a pixel."""
    return tuple(round(value, 2) if math.isfinite(value) else None for value in values)


def _number(value: float) -> float | None:
    """Round to six digits; None for what is not finite, which JSON cannot hold."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
