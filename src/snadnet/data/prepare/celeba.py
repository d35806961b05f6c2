"""CelebA, CelebA-HQ and CelebAMask-HQ as they are published, prepared for training."""

import re
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
from numpy.typing import NDArray

from snadnet.data.image_folder import SUFFIXES
from snadnet.data.manifest import Split
from snadnet.data.prepare.archive import FileTree, FolderTree, ZipTree, open_tree
from snadnet.data.prepare.preparation import (
    FaceJob,
    FacePixels,
    Preparation,
    in_name_order,
    resized,
    resized_labels,
    split_in_order,
)
from snadnet.errors import DataError
from snadnet.image_arrays import eight_bits
from snadnet.photo import read_photo_bytes

CELEBA_ORIGIN: Final = (
    "fetch img_align_celeba.zip and list_eval_partition.txt by hand from "
    "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html (for non-commercial research only)"
)
CELEBA_HQ_ORIGIN: Final = (
    "fetch CelebAMask-HQ.zip, which holds CelebA-HQ's images, by hand from "
    "https://github.com/switchablenorms/CelebAMask-HQ (for non-commercial research only)"
)
MASK_PARTS: Final = (
    "skin",
    "nose",
    "eye_g",
    "l_eye",
    "r_eye",
    "l_brow",
    "r_brow",
    "l_ear",
    "r_ear",
    "mouth",
    "u_lip",
    "l_lip",
    "hair",
    "hat",
    "ear_r",
    "neck_l",
    "neck",
    "cloth",
)
"""CelebAMask-HQ's names of classes 1 to 18, in its own order; where parts overlap the later one counts."""

_CELEBA_SIZE: Final = (178, 218)
_CELEBA_TOP: Final = 20  # the square in the middle of the 218 rows
_MASK_SIZE: Final = 512
_MASKED: Final = 128  # masks are black and white, in some copies with soft edges
_PARTITION: Final[dict[str, Split]] = {"0": "train", "1": "validation", "2": "test"}
_NUMBERED: Final = re.compile(r"[A-Za-z_-]*(\d+)")


def celeba(source: Path, *, size: int = 160, partition: Path | None = None) -> Preparation:
    """CelebA's aligned images, split by its own list.

    Args:
        source: The folder or zip file ``img_align_celeba``, or the folder that holds it, at any depth.
        size: Side of the faces in pixels.
        partition: ``list_eval_partition.txt`` (or ``.csv``), if it does not lie in or beside ``source``.

    Raises:
        DataError: If the images or the list are not there, or the list is damaged.
    """
    tree = open_tree(source, origin=CELEBA_ORIGIN)
    splits = _read_partition(partition or _find_partition(tree))
    if not _aligned_images(tree):
        archives = [name for name in tree.names if PurePosixPath(name).name == "img_align_celeba.zip"]
        if isinstance(tree, FolderTree) and archives:
            tree = ZipTree(source / archives[0])
    images = _aligned_images(tree)
    if not images:
        raise DataError(f"{source}: has no images of img_align_celeba; {CELEBA_ORIGIN}")
    jobs = [
        FaceJob(
            *(stem, split, images.get(stem, stem), partial(_celeba_face, tree, stem, images.get(stem), size)),
            missing=None if stem in images else f"{stem} of the list",
        )
        for stem, split in splits.items()
    ]
    return Preparation("celeba", size, f"rows 21 to 198 of 178 x 218, to {size} px", False, in_name_order(jobs))


def celeba_hq(source: Path, *, size: int = 256, faces: int = 30_000, validation: int, test: int) -> Preparation:
    """CelebA-HQ's images, which are numbered: the last by number are for test, those before for validation.

    Args:
        source: A folder or zip file that holds them, at any depth.
        size: Side of the faces in pixels.
        faces: How many there should be; those missing are named.
        validation: How many are held out for validation.
        test: How many are held out for test.

    Raises:
        DataError: If there are no numbered images, more than there should be, or two of one number.
    """
    tree = open_tree(source, origin=CELEBA_HQ_ORIGIN)
    images = _numbered_images(tree)
    jobs = [
        FaceJob(
            *(name, split, images.get(number, name), partial(_hq_face, tree, name, images.get(number), size)),
            missing=None if number in images else f"image number {number}",
        )
        for number, name, split in _numbers(tree, images, faces, validation, test)
    ]
    return Preparation("celeba-hq", size, f"whole, to {size} px", False, in_name_order(jobs))


def celebamask_hq(source: Path, *, size: int = 256, faces: int = 30_000, validation: int, test: int) -> Preparation:
    """CelebAMask-HQ: the images of CelebA-HQ, split like them, with the masks of each face's parts in one map.

    Arguments and errors are those of `celeba_hq`; ``source`` holds the images, numbered from 0, and the
    masks ``00000_skin.png`` and so on.
    """
    tree = open_tree(source, origin=CELEBA_HQ_ORIGIN)
    images = _numbered_images(tree)
    masks: dict[int, dict[str, str]] = {}
    for name in tree.names:
        number, _, part = PurePosixPath(name).stem.partition("_")
        if number.isascii() and number.isdigit() and part in MASK_PARTS and name.endswith(".png"):
            masks.setdefault(int(number), {})[part] = name
    if not masks:
        raise DataError(f"{tree.root}: has no masks such as 00000_skin.png; {CELEBA_HQ_ORIGIN}")
    jobs = [
        FaceJob(
            name,
            split,
            images.get(number, name),
            partial(_masked_face, tree, name, images.get(number), masks.get(number, {}), size),
            missing=None if number in images else f"image number {number}",
        )
        for number, name, split in _numbers(tree, images, faces, validation, test)
    ]
    return Preparation("celebamask-hq", size, f"whole, to {size} px", True, in_name_order(jobs))


def merge_masks(masks: dict[str, NDArray[np.bool_]], size: int = _MASK_SIZE) -> NDArray[np.uint8]:
    """One map of class ids from the masks of a face's parts.

    Args:
        masks: By the names of `MASK_PARTS`, each ``(size, size)``, true where the part is.
        size: Their side in pixels.

    Returns:
        ``(size, size)``; 0 (background) where no part is, and of overlapping parts the later in the order.
    """
    labels = np.zeros((size, size), np.uint8)
    for number, part in enumerate(MASK_PARTS, start=1):
        if part in masks:
            labels[masks[part]] = number
    return labels


def _find_partition(tree: FileTree) -> Path:
    names = ("list_eval_partition.txt", "list_eval_partition.csv")
    if isinstance(tree, FolderTree):
        places = [tree.root / name for name in tree.names if PurePosixPath(name).name in names]
    else:
        places = []
    # .absolute, or the parent of "." would be "." again
    places += [tree.root.absolute().parent / name for name in names]
    for path in places:
        if path.is_file():
            return path
    raise DataError(f"{tree.root}: has no list_eval_partition.txt in or beside it; {CELEBA_ORIGIN}")


def _read_partition(path: Path) -> dict[str, Split]:
    """The split of each image, by its name without the suffix."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as a list ({error}); fetch it again") from error
    splits: dict[str, Split] = {}
    for number, line in enumerate(lines, start=1):
        words = line.replace(",", " ").split()
        if not words or words == ["image_id", "partition"]:
            continue
        stem = PurePosixPath(words[0]).stem
        if len(words) != 2 or words[1] not in _PARTITION or not stem.isalnum() or stem in splits:  # noqa: PLR2004
            raise DataError(f"{path}: line {number}: expected a new image's name and 0, 1 or 2; fetch the list again")
        splits[stem] = _PARTITION[words[1]]
    if not splits:
        raise DataError(f"{path}: is empty; fetch it again")
    return splits


def _aligned_images(tree: FileTree) -> dict[str, str]:
    """The images of ``img_align_celeba`` by their names without the suffix."""
    return {
        PurePosixPath(name).stem: name
        for name in tree.names
        if "img_align_celeba" in f"{tree.root.name}/{name}" and PurePosixPath(name).suffix.lower() in SUFFIXES
    }


def _numbered_images(tree: FileTree) -> dict[int, str]:
    images: dict[int, str] = {}
    for name in tree.names:
        path = PurePosixPath(name)
        match = _NUMBERED.fullmatch(path.stem)
        if match is None or path.suffix.lower() not in SUFFIXES:
            continue
        number = int(match[1])
        if number in images:
            raise DataError(
                f"{tree.root}: number {number} is there twice ({images[number]} and {name}); "
                "give the folder that holds one of them"
            )
        images[number] = name
    if not images:
        raise DataError(f"{tree.root}: has no images with numbers for names; {CELEBA_HQ_ORIGIN}")
    return images


def _numbers(
    tree: FileTree, images: dict[int, str], faces: int, validation: int, test: int
) -> list[tuple[int, str, Split]]:
    """Each face that there should be: its number, the name of its files, and its split."""
    first = 1 if 0 not in images and faces in images else 0
    numbers = list(range(first, first + faces))
    strange = [number for number in sorted(images) if not first <= number < first + faces]
    if strange and len(images) == faces:
        numbers = sorted(images)  # the numbers of the images of CelebA that they were made from
    elif strange:
        raise DataError(
            f"{tree.root}: has {len(images)} numbered images where {faces} are expected, such as "
            f"{images[strange[0]]}; add what is missing, or give the number with --faces"
        )
    digits = max(5, len(str(numbers[-1])))
    splits = split_in_order(faces, validation, test)
    return [(number, f"{number:0{digits}d}", split) for number, split in zip(numbers, splits, strict=True)]


def _read(tree: FileTree, name: str) -> NDArray[np.uint8]:
    photo = read_photo_bytes(tree.read(name), name=str(tree.root / name))
    return eight_bits(photo.without_metadata().pixels)


def _celeba_face(tree: FileTree, stem: str, file: str | None, size: int) -> FacePixels:
    if file is None:
        raise DataError(f"{tree.root}: {stem}, which the list names, is missing; fetch the images again")
    pixels = _read(tree, file)
    width, height = _CELEBA_SIZE
    if pixels.shape[:2] != (height, width):
        found = f"{pixels.shape[1]} x {pixels.shape[0]}"
        raise DataError(f"{tree.root / file}: is {found}, not {width} x {height} as img_align_celeba is")
    square = np.ascontiguousarray(pixels[_CELEBA_TOP : _CELEBA_TOP + width])
    return FacePixels(resized(square, size, name=str(tree.root / file)))


def _hq_face(tree: FileTree, name: str, file: str | None, size: int) -> FacePixels:
    if file is None:
        raise DataError(f"{tree.root}: image number {int(name)} is missing; fetch the images again")
    return FacePixels(resized(_read(tree, file), size, name=str(tree.root / file)))


def _masked_face(tree: FileTree, name: str, file: str | None, masks: dict[str, str], size: int) -> FacePixels:
    image = _hq_face(tree, name, file, size).image
    # A face need not have every part, so a missing one goes unnoticed; a face without any does not.
    if not masks:
        raise DataError(f"{tree.root}: the masks {name}_skin.png and so on are missing; fetch them again")
    parts = {}
    for part, path in masks.items():
        pixels = _read(tree, path)
        if pixels.shape != (_MASK_SIZE, _MASK_SIZE, 3):
            raise DataError(f"{tree.root / path}: is {pixels.shape[1]} x {pixels.shape[0]}, not {_MASK_SIZE} px")
        parts[part] = pixels[..., 0] >= _MASKED
    return FacePixels(image, resized_labels(merge_masks(parts), size))
