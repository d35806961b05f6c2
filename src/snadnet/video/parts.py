"""The finished parts of a clip that is being restored, beside its output, so that a stopped run can go on.

The folder ``.NAME.parts`` holds a file for each part, which is a fixed number of frames: the coded packets and what
was found in the frames. A part gets its name once it is whole. ``run.json`` says what the parts belong to: a run with
another clip, network or setting begins again.
"""

import json
import os
import shutil
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from snadnet.errors import VideoError
from snadnet.files import write_atomically
from snadnet.photo import printable

PART_FRAMES: Final = 50
"""Frames of a part: the most that a stop loses."""

_HEAD: Final = struct.Struct("<Q")
_PACKET: Final = struct.Struct("<qqq?Q")


class CodedPacket(NamedTuple):
    """A coded frame.

    Attributes:
        pts: Its time, in units of the clip's time base.
        dts: When it is decoded, likewise.
        duration: How long it is shown, likewise; 0 if unknown.
        is_keyframe: Whether it is decoded without others.
        content: Its bytes.
    """

    pts: int
    dts: int
    duration: int
    is_keyframe: bool
    content: bytes


@dataclass(frozen=True)
class FaceInFrame:
    """A face of one frame, as it is kept for the report and for going on.

    Attributes:
        frame: The frame's place in the clip, from 0.
        number: The track's number, from 1.
        box: ``(x, y, width, height)`` in pixels of the frame as it is seen.
        landmarks: Ten numbers, x and y of five points; empty where it was not seen but stands between two that were.
        reason: Why it was left as it is; None if it was restored.
        before: Flicker of the crop as it came, against the frame before; None where there is none.
        after: The same of the restored crop.
    """

    frame: int
    number: int
    box: tuple[float, ...]
    landmarks: tuple[float, ...] = ()
    reason: str | None = None
    before: float | None = None
    after: float | None = None


@dataclass(frozen=True)
class PartRecord:
    """What a part tells.

    Attributes:
        frames: How many frames it has.
        start: Time of its first frame in seconds.
        end: Time of its last frame in seconds.
        damaged: How many packets and frames were damaged from the beginning of the clip to its end.
        faces: The faces of its frames.
    """

    frames: int
    start: float
    end: float
    damaged: int
    faces: tuple[FaceInFrame, ...]


class PartsFolder:
    """The parts of one run.

    Args:
        target: The output file; the folder lies beside it.
        run: What the parts belong to, fit for JSON.
    """

    def __init__(self, target: Path, run: dict[str, Any]) -> None:
        self.path = target.with_name(f".{target.name}.parts")
        self._run = json.dumps(run, sort_keys=True)

    def begin(self) -> int:
        """Return how many parts are there already, from the first on; what belongs to another run is removed.

        Raises:
            VideoError: If the folder cannot be written.
        """
        try:
            if not self._is_ours():
                self.remove()
                self.path.mkdir(parents=True)
                write_atomically(self.path / "run.json", self._run.encode())
        except OSError as error:
            raise VideoError(
                f"{printable(self.path)}: cannot be written ({error.strerror}); check the folder and the free space"
            ) from error
        count = 0
        while self._file(count).is_file():
            count += 1
        return count

    def write(self, number: int, record: PartRecord, packets: list[CodedPacket]) -> None:
        """Write a part whole.

        Raises:
            VideoError: If it cannot be written.
        """
        head = json.dumps(asdict(record)).encode()
        content = bytearray(_HEAD.pack(len(head)) + head)
        for *numbers, data in packets:
            content += _PACKET.pack(*numbers, len(data)) + data
        try:
            write_atomically(self._file(number), bytes(content))
        except OSError as error:
            raise VideoError(
                f"{printable(self.path)}: cannot be written ({error.strerror}); check the folder and the free space"
            ) from error

    def record(self, number: int) -> PartRecord:
        """Return what a part tells."""
        with self._file(number).open("rb") as file:
            (size,) = _HEAD.unpack(file.read(_HEAD.size))
            values = json.loads(file.read(size))
        faces = tuple(
            FaceInFrame(**{**face, "box": tuple(face["box"]), "landmarks": tuple(face["landmarks"])})
            for face in values.pop("faces")
        )
        return PartRecord(**values, faces=faces)

    def packets(self, count: int) -> Iterator[CodedPacket]:
        """Yield the packets of the first ``count`` parts in order, one at a time."""
        for number in range(count):
            with self._file(number).open("rb") as file:
                (size,) = _HEAD.unpack(file.read(_HEAD.size))
                file.seek(size, os.SEEK_CUR)
                while head := file.read(_PACKET.size):
                    pts, dts, duration, is_keyframe, length = _PACKET.unpack(head)
                    yield CodedPacket(pts, dts, duration, is_keyframe, file.read(length))

    def remove(self) -> None:
        """Remove the folder and what is in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _is_ours(self) -> bool:
        try:
            return (self.path / "run.json").read_text(encoding="utf-8") == self._run
        except (OSError, UnicodeDecodeError):
            return False

    def _file(self, number: int) -> Path:
        return self.path / f"part-{number:06d}"
