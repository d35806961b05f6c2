"""Bringing a data set's faces into the form that training reads: square 8-bit PNGs of one size.

A prepared folder::

    manifest.jsonl           every file: its split, checksum and source
    images/NAME.png          the training faces and, last by name, the validation faces (``hold_out`` in configs)
    labels/NAME.png          their label maps, where the data set has them
    test/images, test/labels the test faces, which training never lists
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snadnet.data.manifest import Manifest, ManifestEntry, Split, save_file
from snadnet.errors import DataError

SCHEMA: Final = "snadnet-faces-1"


class FacePixels(NamedTuple):
    """A face as it is written.

    Attributes:
        image: ``(S, S, 3)`` RGB uint8.
        labels: ``(S, S)`` class ids, or None.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class FaceJob:
    """One face to prepare.

    Attributes:
        name: Of its files, without the suffix; unlike any other's, and later by name than those of earlier splits.
        split: Where it belongs.
        source: What it is made from, as the source names it.
        make: Makes it; raises a SnadnetError that names what is missing or damaged.
        missing: In words, what of the source is known not to be there; None if nothing is.
    """

    name: str
    split: Split
    source: str
    make: Callable[[], FacePixels]
    missing: str | None = None


@dataclass(frozen=True)
class Preparation:
    """All that is done to a data set.

    Attributes:
        dataset: Its name.
        size: Side of the faces in pixels.
        framing: In words, what part of a source image a face is.
        labelled: Whether there are label maps.
        jobs: The faces, in the order of their names.
    """

    dataset: str
    size: int
    framing: str
    labelled: bool
    jobs: tuple[FaceJob, ...]

    @property
    def header(self) -> dict[str, str | int]:
        """First line of the manifest."""
        return {"schema": SCHEMA, "dataset": self.dataset, "size": self.size, "framing": self.framing}

    def files(self, job: FaceJob) -> list[str]:
        """The files of a face, as paths within the prepared folder."""
        folder = "test/" if job.split == "test" else ""
        kinds = ("images", "labels") if self.labelled else ("images",)
        return [f"{folder}{kind}/{job.name}.png" for kind in kinds]

    def check_against(self, manifest: Manifest) -> None:
        """Refuse a folder that was prepared from other faces or with other splits.

        Raises:
            DataError: If a file would not be made now; it names the first.
        """
        strange = manifest.entries.keys() - {file for job in self.jobs for file in self.files(job)}
        if strange:
            raise DataError(
                f"{manifest.folder / min(strange)}: was prepared before, but is not part of this source and split "
                f"({len(strange)} such files); name another folder"
            )

    def write(self, job: FaceJob, manifest: Manifest) -> list[ManifestEntry]:
        """Make a face and write its files; the entries are for the manifest to add.

        Raises:
            SnadnetError: If what it is made from is missing or damaged.
        """
        images = [image for image in job.make() if image is not None]
        return [
            save_file(manifest.folder, file, png(image), source=job.source, split=job.split)
            for file, image in zip(self.files(job), images, strict=True)
        ]


def check_file(manifest: Manifest, file: str) -> None:
    """Compare a file that should be there with the manifest.

    Raises:
        DataError: If it was never made, is missing or was changed.
    """
    if file not in manifest.entries:
        raise DataError(f"{manifest.folder / file}: was not prepared; give the command again without --verify")
    manifest.check(manifest.entries[file])


def split_in_order(count: int, validation: int, test: int) -> list[Split]:
    """The splits of faces in the order of their names: training, then validation, then test.

    Raises:
        DataError: If none would be left to train on.
    """
    training = count - validation - test
    if training < 1:
        raise DataError(f"{count} faces leave none to train on beside {validation} for validation and {test} for test")
    shares: tuple[tuple[Split, int], ...] = (("train", training), ("validation", validation), ("test", test))
    return [split for split, share in shares for _ in range(share)]


def resized(image: NDArray[np.uint8], size: int, *, name: str) -> NDArray[np.uint8]:
    """A square image ``(H, W, 3)`` at ``size`` px, by the protocols' filter (Lanczos, widened when shrinking).

    Raises:
        DataError: If it is not square, or smaller: a face with made-up pixels is no sharp reference.
    """
    height, width = image.shape[:2]
    if height != width or width < size:
        raise DataError(f"{name}: is {width} x {height}; square images of at least {size} px are needed")
    if width == size:
        return image
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS))


def resized_labels(labels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """A square label map at ``size`` px: each pixel has the class of the nearest."""
    return np.asarray(cv2.resize(labels, (size, size), interpolation=cv2.INTER_NEAREST), np.uint8)


def png(image: NDArray[np.uint8]) -> bytes:
    """An image as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def in_name_order(jobs: Sequence[FaceJob]) -> tuple[FaceJob, ...]:
    """The jobs by name, in which order training holds out the last faces.

    Raises:
        DataError: If the splits would not follow one another.
    """
    ranks: dict[Split, int] = {"train": 0, "validation": 1, "test": 2}
    ordered = sorted(jobs, key=lambda job: job.name)
    for before, after in pairwise(ordered):
        if ranks[before.split] > ranks[after.split]:
            raise DataError(
                f"{after.name} is of the {after.split} split but follows {before.name} of the {before.split} split; "
                "the list must name training, validation and test faces in the order of their names"
            )
    return tuple(ordered)
