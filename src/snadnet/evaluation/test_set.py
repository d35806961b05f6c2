"""What methods are scored on: numbered pairs of a blurred and a sharp face, all read one at a time."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snadnet.data.image_folder import check_names, list_faces
from snadnet.data.protocols import PROTOCOLS, Protocol, blurred_pair, sharp_labels
from snadnet.data.test_sets import read_test_set
from snadnet.errors import DataError


@dataclass(frozen=True, eq=False)
class ScoredFace:
    """One face of a test set.

    Attributes:
        name: What it is called in tables and in the folders of other tools, without ending.
        blurred: What a method is given: uint8 RGB (H, W, 3).
        sharp: What it should make of it, the same shape.
        labels: True class ids of the sharp face, uint8 (H, W), 255 where unknown; None if there are none.
    """

    name: str
    blurred: NDArray[np.uint8]
    sharp: NDArray[np.uint8]
    labels: NDArray[np.uint8] | None


@dataclass(frozen=True, eq=False)
class FaceTestSet:
    """A test set.

    Attributes:
        source: What was named on the command line.
        protocol: The name of the protocol, such as "celeba".
        description: The whole protocol in words.
        names: The names of the N faces, all different.
        kernel_sizes: The size of each face's blur kernel in pixels, or None where there is none to tell.
        labelled: Whether it has label maps.
        aligned: Whether the faces are where aligned crops have them; else methods must find them.
        read: Reads face number ``index``; raises DataError where that fails.
    """

    source: str
    protocol: str
    description: str
    names: tuple[str, ...]
    kernel_sizes: tuple[int, ...] | None
    labelled: bool
    aligned: bool
    read: Callable[[int], ScoredFace]

    def __len__(self) -> int:
        return len(self.names)

    def last(self, count: int) -> "FaceTestSet":
        """The last ``count`` faces, which keep their pixels; all of them if there are fewer."""
        skipped = max(0, len(self) - count)
        sizes = None if self.kernel_sizes is None else self.kernel_sizes[skipped:]
        return replace(
            self, names=self.names[skipped:], kernel_sizes=sizes, read=lambda index: self.read(index + skipped)
        )


def blurred_on_the_fly(
    protocol: Protocol, folder: Path, *, last: int | None = None, labels: Path | None = None
) -> FaceTestSet:
    """The faces of a folder, in the order of their names, each blurred as a protocol says when it is read.

    Args:
        protocol: How to blur; the first face that is chosen has number 0.
        folder: Sharp, square face crops, or, for a protocol of unaligned pictures, pictures of any shape.
        last: Only so many faces, the last by name; all if None.
        labels: A folder of label maps of the same names.

    Raises:
        DataError: A folder is missing or empty, a label map is missing, or two faces have one name.
    """
    faces = list_faces(folder, labels)
    faces = faces if last is None else faces[-last:]
    check_names([face.image for face in faces])
    names = tuple(face.image.stem for face in faces)

    def read(index: int) -> ScoredFace:
        blurred, sharp = blurred_pair(faces[index].image, protocol, index)
        classes = sharp_labels(faces[index], protocol, index)
        return ScoredFace(names[index], as_8_bits(blurred), as_8_bits(sharp), classes)

    sizes = None if protocol.blur is None else tuple(protocol.blur.kernel_size(index) for index in range(len(faces)))
    return FaceTestSet(
        f"{protocol.name}:{folder}",
        protocol.name,
        str(protocol),
        names,
        sizes,
        labels is not None,
        protocol.aligned,
        read,
    )


def frozen(folder: Path) -> FaceTestSet:
    """A test set that ``snadnet freeze`` wrote; its files' checksums are compared when they are read.

    Raises:
        DataError: The folder is no finished test set.
    """
    stored = read_test_set(folder)

    def read(index: int) -> ScoredFace:
        face = stored.faces[index]
        blurred, sharp = stored.read_pair(face)
        return ScoredFace(face.name, as_8_bits(blurred), as_8_bits(sharp), stored.read_labels(face))

    names = tuple(face.name for face in stored.faces)
    sizes = tuple(face.kernel.size for face in stored.faces)
    labelled = any(face.sha256_labels is not None for face in stored.faces)
    return FaceTestSet(
        str(folder),
        stored.protocol,
        stored.description,
        names,
        sizes if all(sizes) else None,
        labelled,
        stored.aligned,
        read,
    )


def find_test_set(text: str, *, last: int | None = None, labels: Path | None = None) -> FaceTestSet:
    """The test set that a command line names.

    Args:
        text: The folder of a frozen test set, or ``PROTOCOL:FOLDER`` for faces to be blurred on the fly.
        last: Only so many faces, the last of them; all if None.
        labels: Label maps, for faces that are blurred on the fly.

    Raises:
        DataError: It is neither, or cannot be used.
    """
    name, colon, folder = text.partition(":")
    if colon and folder and name in PROTOCOLS and not Path(text).exists():
        return blurred_on_the_fly(PROTOCOLS[name], Path(folder), last=last, labels=labels)
    if labels is not None:
        raise DataError(f"{text}: a frozen test set has its own label maps; freeze it with labels")
    if not Path(text).is_dir():
        raise DataError(
            f"{text}: no such test set; give a folder that snadnet freeze wrote, or PROTOCOL:FOLDER "
            f"({', '.join(PROTOCOLS)})"
        )
    test_set = frozen(Path(text))
    return test_set if last is None else test_set.last(last)


def as_8_bits(pictures: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Pictures in [0, 1] as an 8-bit file would hold them: clipped and rounded; any shape."""
    return np.asarray(np.rint(np.clip(pictures, 0.0, 1.0) * 255.0), np.uint8)
