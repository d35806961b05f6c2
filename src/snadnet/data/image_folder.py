"""Folders of aligned face images, with or without label maps."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snadnet.errors import DataError, PhotoError
from snadnet.faces.classes import NUM_CLASSES
from snadnet.photo import read_srgb

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
Item = TypeVar("Item")

UNLABELLED = 255
"""The label of a pixel whose class is not known."""


@dataclass(frozen=True, slots=True)
class FaceFile:
    """A face crop on disk, and its label map if it has one (an 8-bit PNG whose pixel values are class ids)."""

    image: Path
    labels: Path | None


def list_images(folder: Path) -> list[Path]:
    """Return the images in a folder, sorted by name: regular files that are not hidden, by their suffixes.

    Raises:
        DataError: If the folder is missing, unreadable or has no images.
    """
    try:
        # Listed once: asking for each file by itself takes seconds for a data set.
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if _is_image(entry))
    except NotADirectoryError as error:
        raise DataError(f"{folder}: is a file; give the folder that holds the images") from error
    except FileNotFoundError as error:
        raise DataError(f"{folder}: no such folder; put the data there or name another folder") from error
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror}); check its permissions") from error
    if not names:
        raise DataError(f"{folder}: has no images ({', '.join(sorted(SUFFIXES))})")
    return [folder / name for name in names]


def _is_image(entry: "os.DirEntry[str]") -> bool:
    # Hidden files are what systems leave beside images (._x.png); folders may be named like one (@eaDir.jpg).
    return Path(entry.name).suffix.lower() in SUFFIXES and not entry.name.startswith(".") and entry.is_file()


def list_faces(images: Path, labels: Path | None = None) -> list[FaceFile]:
    """Pair the images of a folder with the label maps of the same name in another.

    Raises:
        DataError: If a folder is missing or empty, or an image has no label map.
    """
    paths = list_images(images)
    if labels is None:
        return [FaceFile(path, None) for path in paths]
    try:
        # Listed once: asking for each file by itself takes seconds for a data set.
        with os.scandir(labels) as entries:
            there = {entry.name for entry in entries if entry.is_file()}
    except OSError as error:
        raise DataError(f"{labels}: no such folder of label maps, or not to be read") from error
    faces = [FaceFile(path, labels / f"{path.stem}.png") for path in paths]
    missing = [face for face in faces if face.labels is not None and face.labels.name not in there]
    if missing:
        raise DataError(
            f"{missing[0].labels}: the label map of {missing[0].image.name} is missing "
            f"({len(missing)} of {len(faces)} are); add it or remove the image"
        )
    return faces


def check_names(images: Sequence[Path]) -> None:
    """Refuse images that differ in their suffixes only, where one file is made of each.

    Raises:
        DataError: If two have one name; it names both.
    """
    seen: dict[str, Path] = {}
    for image in images:
        # Folded, as some disks take two letter cases for one name.
        other = seen.setdefault(image.stem.casefold(), image)
        if other is not image:
            raise DataError(f"{image}: has the name of {other.name} but for its suffix; rename or remove one")


def split_by_name(items: Sequence[Item], hold_out: int) -> tuple[list[Item], list[Item]]:
    """Split a sorted sequence into all but its last ``hold_out`` items (to train on) and those (to validate on).

    Raises:
        DataError: If nothing would be left to train on.
    """
    if hold_out >= len(items):
        raise DataError(f"{hold_out} of {len(items)} images held out leaves none to train on")
    return list(items[: len(items) - hold_out]), list(items[len(items) - hold_out :])


def read_face(path: Path) -> NDArray[np.uint8]:
    """Read a face crop as RGB ``(H, W, 3)``, uint8: upright and in sRGB, by the reader of all photos.

    More than 8 bits are rounded to 8.

    Raises:
        DataError: If it cannot be read.
    """
    try:
        return read_srgb(path)
    except PhotoError as error:
        reason = str(error).removeprefix(f"{path}: ")
        raise DataError(f"{path}: cannot be read as a face ({reason}); remove or replace it") from error


def read_labels(path: Path) -> NDArray[np.uint8]:
    """Read a label map ``(H, W)`` of class ids 0 to 18, or 255 where the class is unknown.

    Raises:
        DataError: If it cannot be read, is not 8-bit with one channel, or holds other values.
    """
    try:
        with Image.open(path) as image:
            mode = image.mode
            labels = np.asarray(image)
    except (OSError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as a label map ({error}); remove or replace it") from error
    if mode not in ("L", "P"):
        raise DataError(f"{path}: is an image of mode {mode}; a label map has one 8-bit channel of class ids")
    if np.any((labels >= NUM_CLASSES) & (labels != UNLABELLED)):
        raise DataError(f"{path}: holds values that are no class ids (0 to {NUM_CLASSES - 1}, or {UNLABELLED})")
    return labels
