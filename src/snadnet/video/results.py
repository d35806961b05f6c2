"""What was done to a clip."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from snadnet.video.parts import FaceInFrame, PartRecord

Progress = Callable[[int, int], None]
"""Called with the number of finished frames and how many there are to be, 0 if that is unknown."""


@dataclass(frozen=True)
class TrackedFace:
    """A face that was followed through a clip.

    Attributes:
        number: From 1, in the order in which the faces appear.
        start: Time of the first frame that shows it, in seconds.
        end: Time of the last one.
        frames: In how many frames it was seen.
        restored: In how many of them it was restored.
        size: The shorter side of its box in pixels, on average over those frames.
        reason: Why it was left as it is where it was, in a few words; None if it was restored throughout.
        flicker_before: Mean absolute difference of its aligned crop from one frame to the next, as it came, in 8-bit
            grey levels; None where it was restored in no two frames that follow each other.
        flicker_after: The same of the restored crop.
    """

    number: int
    start: float
    end: float
    frames: int
    restored: int
    size: float
    reason: str | None
    flicker_before: float | None
    flicker_after: float | None


@dataclass(frozen=True)
class VideoResult:
    """A clip that was gone through.

    Attributes:
        target: The file that was written; None where no face was restored, and so nothing was.
        frames: How many frames it has.
        restored_frames: In how many of them a face was restored.
        faces: The faces that were followed.
        damaged: How many packets and frames could not be decoded, or only in part.
        continued_from: The frame from which a stopped run was gone on with; 0 if there was none.
        notes: What else the user should know, in plain words.
    """

    target: Path | None
    frames: int
    restored_frames: int
    faces: tuple[TrackedFace, ...]
    damaged: int = 0
    continued_from: int = 0
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """The result in words, such as "120 frames, 2 faces: 1 restored, 1 too small (18 px)"."""
        frames = f"{self.frames} {'frame' if self.frames == 1 else 'frames'}"
        if not self.faces:
            return f"{frames}, no face found"
        restored = sum(face.restored > 0 for face in self.faces)
        parts = [f"{restored} restored in {self.restored_frames} frames"] if restored else []
        reasons: dict[str, int] = {}
        for face in self.faces:
            if not face.restored and face.reason is not None:
                reasons[face.reason] = reasons.get(face.reason, 0) + 1
        parts += [f"{count} {reason}" for reason, count in reasons.items()]
        faces = f"{len(self.faces)} {'face' if len(self.faces) == 1 else 'faces'}"
        return f"{frames}, {faces}: {', '.join(parts)}"


def summarize(records: Iterable[PartRecord]) -> tuple[int, int, tuple[TrackedFace, ...], int]:
    """Return what the parts of a clip tell together: frames, frames with a restored face, faces, damage."""
    frames = damaged = 0
    restored_frames: set[int] = set()
    tracks: dict[int, list[tuple[FaceInFrame, float]]] = {}
    for record in records:
        step = (record.end - record.start) / max(1, record.frames - 1)
        for face in record.faces:
            tracks.setdefault(face.number, []).append((face, record.start + (face.frame - frames) * step))
            if face.reason is None:
                restored_frames.add(face.frame)
        frames += record.frames
        damaged = max(damaged, record.damaged)
    faces = tuple(_tracked(number, seen) for number, seen in sorted(tracks.items()))
    return frames, len(restored_frames), faces, damaged


def _tracked(number: int, seen: list[tuple[FaceInFrame, float]]) -> TrackedFace:
    faces = [face for face, _ in seen]
    pairs = [(face.before, face.after) for face in faces if face.before is not None and face.after is not None]
    return TrackedFace(
        number=number,
        start=seen[0][1],
        end=seen[-1][1],
        frames=len(faces),
        restored=sum(face.reason is None for face in faces),
        size=sum(min(face.box[2:]) for face in faces) / len(faces),
        reason=next((face.reason for face in faces if face.reason is not None), None),
        flicker_before=sum(before for before, _ in pairs) / len(pairs) if pairs else None,
        flicker_after=sum(after for _, after in pairs) / len(pairs) if pairs else None,
    )
