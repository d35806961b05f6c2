"""Test sets: numbered pairs of a blurred and a sharp face, read one at a time."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from snadnet.data.image_folder import check_names, list_faces
from snadnet.data.protocols import PROTOCOLS, Protocol, blurred_pair, sharp_labels
from snadnet.data.test_sets import read_test_set
from snadnet.errors import DataError
from snadnet.image_arrays import to_uint8
from snadnet.metrics.base import ScoredFace


@dataclass(frozen=True, eq=False)
class FaceTestSet:
    """Pairs of blurred and sharp faces to score methods on.

    Attributes:
        source: What it was opened from: a folder, or PROTOCOL:FOLDER.
        protocol: The name of the protocol, such as "celeba".
        description: The whole protocol in words.
        names: The names of the N faces, all different.
        kernel_sizes: The size of each face's blur kernel in pixels, or None where there is none to tell.
        labelled: Whether it has label maps.
        aligned: Whether the faces are where aligned crops have them; else methods must find them.
        read: Reads face number ``index``; raises DataError if that fails.
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
        """Return the last ``count`` faces, which keep their pixels; all of them if there are fewer."""
        skipped = max(0, len(self) - count)
        sizes = None if self.kernel_sizes is None else self.kernel_sizes[skipped:]
        return replace(
            self, names=self.names[skipped:], kernel_sizes=sizes, read=lambda index: self.read(index + skipped)
        )


def blurred_on_the_fly(
    protocol: Protocol, folder: Path, *, last: int | None = None, labels: Path | None = None
) -> FaceTestSet:
    """Return the faces of a folder in the order of their names, each blurred by a protocol when it is read.

    Args:
        protocol: How to blur; the first face that is chosen has number 0.
        folder: Sharp, square face crops, or, for a protocol of unaligned images, images of any shape.
        last: Only so many faces, the last by name; all if None.
        labels: A folder of label maps of the same names.

    Raises:
        DataError: If a folder is missing or empty, a label map is missing, or two faces have one name.
    """
    faces = list_faces(folder, labels)
    faces = faces if last is None else faces[-last:]
    check_names([face.image for face in faces])
    names = tuple(face.image.stem for face in faces)

    def read(index: int) -> ScoredFace:
        blurred, sharp = blurred_pair(faces[index].image, protocol, index)
        classes = sharp_labels(faces[index], protocol, index)
        return ScoredFace(names[index], to_uint8(blurred), to_uint8(sharp), classes)

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
    """Return a test set that ``snadnet freeze`` wrote; the checksums of its files are compared when they are read.

    Raises:
        DataError: If the folder is not a finished test set.
    """
    stored = read_test_set(folder)

    def read(index: int) -> ScoredFace:
        face = stored.faces[index]
        blurred, sharp = stored.read_pair(face)
        return ScoredFace(face.name, to_uint8(blurred), to_uint8(sharp), stored.read_labels(face))

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
    """Return a test set by its name on a command line.

    Args:
        text: The folder of a frozen test set, or ``PROTOCOL:FOLDER`` for faces to be blurred on the fly.
        last: Only so many faces, the last of them; all if None.
        labels: Label maps, for faces that are blurred on the fly.

    Raises:
        DataError: If it is neither, or cannot be used.
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
