"""Selection of the faces to restore, with the reason why each of the others is skipped."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import assert_never

import cv2

from snadnet.errors import ConfigError
from snadnet.faces.choice import AllFaces, FaceBox, FaceChoice, FaceNumber, LargestFace
from snadnet.faces.detect import FaceDetector
from snadnet.faces.manual_box import face_in_box
from snadnet.faces.results import SkippedFace
from snadnet.faces.types import Face
from snadnet.photo import Photo, printable


@dataclass(frozen=True, eq=False)
class TakenFace:
    """A face to restore, with landmarks good enough to align it by.

    Attributes:
        face: The face.
        number: Its place among the faces that were found, from 1; 0 for a manual box.
    """

    face: Face
    number: int


def select_faces(
    detector: FaceDetector,
    photo: Photo,
    choice: FaceChoice,
    *,
    min_face: int,
    max_faces: int,
    expect: Callable[[Sequence[Face]], None] = lambda _faces: None,
) -> tuple[list[TakenFace], list[SkippedFace]]:
    """The faces to restore and those to leave, both from the largest to the smallest.

    Args:
        detector: Finds the faces.
        photo: The photo.
        choice: Which faces are wanted.
        min_face: Smallest box, shorter side in photo pixels, that is restored.
        max_faces: Most faces that are restored, the largest first.
        expect: Called with those to restore once they are found, before their landmarks are refined.

    Raises:
        ConfigError: If the photo has no face of that number, or the box given lies outside it.
    """
    if isinstance(choice, FaceBox):
        return [TakenFace(face_in_box(detector, photo, choice), 0)], []
    found = detector.detect(photo.pixels)
    wanted = _wanted(photo, choice, len(found))
    taken: list[tuple[Face, int]] = []
    skipped: list[SkippedFace] = []
    for number, face in enumerate(found, start=1):
        if number not in wanted:
            reason = "not chosen"
        elif face.size < min_face:
            reason = f"too small ({int(face.size)} px)"
        elif len(taken) >= max_faces:
            reason = f"more than {max_faces} {'face' if max_faces == 1 else 'faces'}"
        else:
            taken.append((face, number))
            continue
        skipped.append(SkippedFace(face.box, face.confidence, reason, number))
    expect([face for face, _ in taken])
    return _refined(detector, photo, taken), skipped


def _refined(detector: FaceDetector, photo: Photo, faces: list[tuple[Face, int]]) -> list[TakenFace]:
    """Faces and their numbers with better landmarks, several at a time: each search of a crop is too small for two."""
    threads = min(len(faces), cv2.getNumThreads())
    if threads <= 1:
        return [TakenFace(detector.refine(photo.pixels, face), number) for face, number in faces]
    with ThreadPoolExecutor(threads, thread_name_prefix="snadnet-faces") as pool:
        refined = pool.map(detector.refine, [photo.pixels] * len(faces), [face for face, _ in faces])
        return [TakenFace(face, number) for face, (_, number) in zip(refined, faces, strict=True)]


def _wanted(photo: Photo, choice: AllFaces | LargestFace | FaceNumber, count: int) -> range:
    """The numbers of the wanted faces out of ``1 .. count``."""
    match choice:
        case AllFaces():
            return range(1, count + 1)
        case LargestFace():
            return range(1, 2)
        case FaceNumber(n) if n <= count:
            return range(n, n + 1)
        case FaceNumber(n):
            name = printable(photo.path) if photo.path else "the photo"
            if count == 0:
                raise ConfigError(f"{name} has no face that was found; give it by hand as a box, or choose all faces")
            known = f"{count} faces; choose a number from 1 to {count}" if count > 1 else "1 face; choose number 1"
            raise ConfigError(f"{name} has {known}, not {n}")
        case _:
            assert_never(choice)
