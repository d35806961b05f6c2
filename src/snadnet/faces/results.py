"""Results: the restored faces, the skipped ones, and the photo before and after."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from snadnet.blur import Consistency
from snadnet.faces.types import Box
from snadnet.photo import Photo, encode_photo, printable, write_photo

WELL: Final = 0.004
"""Up to this `Consistency.excess` a result explains the blur well."""

PARTLY: Final = 0.008
"""Up to this it does so partly, and hardly beyond."""


@dataclass(frozen=True)
class FoundFace:
    """A face that was found in a photo and not yet restored.

    A caller may drop faces, change them by `dataclasses.replace`, or make one of a box alone.

    Attributes:
        box: ``(x, y, width, height)`` in photo pixels; may reach over the border.
        landmarks: float32 ``(5, 2)`` in photo pixels, ordered as `snadnet.faces.LANDMARK_NAMES`; None where they
            have not been looked for, which is done once the face is to be restored.
        confidence: The detector's score in [0, 1]; 0 for a manual box.
        number: Its place among the faces that were found, from 1; 0 for a face given by hand.
        reason: Why it is to be left as it is, in a few words, such as ``"too small (18 px)"``; None for a face that
            is to be restored.
    """

    box: Box
    landmarks: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    confidence: float = 0.0
    number: int = 0
    reason: str | None = None

    @property
    def chosen(self) -> bool:
        """Whether it is to be restored."""
        return self.reason is None


Explains = Literal["well", "partly", "hardly"]


@dataclass(frozen=True, eq=False)
class EstimatedBlur:
    """The blur by which a network explains a face, and how well the restored face explains what was given.

    Attributes:
        kernel: float32 ``(K, K)``, sum 1, in pixels of the crop that the network saw (256 px a side, unless the photo
            itself was a smaller crop).
        length: Length of the motion in photo pixels, see `snadnet.blur.kernel_extent`; 1 is no motion.
        angle: Its direction in degrees from 0 to 180, counter-clockwise from the photo's x axis.
        consistency: What the restored crop, at full strength and blurred by the kernel, leaves unexplained of the crop
            that was given, beside the noise.
        in_light: Whether the kernel blurs light, as a camera does, or the values of the file.
    """

    kernel: NDArray[np.float32] = field(repr=False)
    length: float
    angle: float
    consistency: Consistency
    in_light: bool = False

    @property
    def explains(self) -> Explains:
        """How well the result explains the blur; take the details of a face that does so hardly as guesses."""
        excess = self.consistency.excess
        return "well" if excess < WELL else "partly" if excess < PARTLY else "hardly"

    def as_json(self) -> dict[str, float | str | bool]:
        """Return all but the kernel's weights, for a report: six digits of each number."""
        numbers = {
            "length": self.length,
            "angle": self.angle,
            "unexplained": self.consistency.unexplained,
            "noise": self.consistency.noise,
        }
        rounded = {name: float(f"{value:.6g}") for name, value in numbers.items()}
        return {**rounded, "in_light": self.in_light, "explains": self.explains}


@dataclass(frozen=True, eq=False)
class RestoredFace:
    """A face that was restored.

    Attributes:
        box: ``(x, y, width, height)`` in photo pixels; may reach over the border.
        landmarks: float32 ``(5, 2)`` in photo pixels, ordered as `snadnet.faces.LANDMARK_NAMES`.
        confidence: The detector's score in [0, 1]; 1 where no detector was asked, 0 for a face given by hand
            that it does not see.
        parsing: uint8 ``(256, 256)``, the class ids (`snadnet.faces.classes`) of the canonical crop; None where
            the network parses no faces.
        sharpness_before: `snadnet.faces.measure_sharpness` of the crop of the photo as it came.
        sharpness_after: The same of the crop of the result.
        number: Its place among the faces that were found, as `snadnet.faces.FaceNumber` takes it; 0 for a
            face that was given and not looked for.
        blur: How the network explains its blur; None where it does not say.
    """

    box: Box
    landmarks: NDArray[np.float32] = field(repr=False)
    confidence: float
    parsing: NDArray[np.uint8] | None = field(repr=False)
    sharpness_before: float
    sharpness_after: float
    number: int = 0
    blur: EstimatedBlur | None = None


@dataclass(frozen=True)
class SkippedFace:
    """A face that was found and left as it is.

    Attributes:
        box: ``(x, y, width, height)`` in photo pixels.
        confidence: The detector's score in [0, 1].
        reason: Why, in a few words, such as ``"too small (18 px)"`` or ``"not chosen"``.
        number: As for a restored face.
    """

    box: Box
    confidence: float
    reason: str
    number: int = 0


@dataclass(frozen=True, eq=False, repr=False)
class Restoration:
    """A restored photo and what was done to it.

    A notebook shows it as the restored photo.

    Attributes:
        photo: The result, with the original's size, transparency, profile and EXIF.
        original: The photo as it was read.
        faces: The restored faces from the largest to the smallest; empty where none was found.
        skipped: The faces that were found and not restored, in the same order.
        redo: The same restoration at another strength, without the network; None where nothing keeps what it needs.
    """

    photo: Photo
    original: Photo
    faces: tuple[RestoredFace, ...]
    skipped: tuple[SkippedFace, ...]
    redo: "Callable[[float], Restoration] | None" = None

    def at_strength(self, strength: float) -> "Restoration":
        """Return the same restoration at another strength; the network is not run again.

        Args:
            strength: Part of the change that is applied, in [0, 1]; 0 returns the photo as it was.

        Raises:
            ConfigError: If ``strength`` is out of range.
            ValueError: If this restoration was put together by hand, and so keeps no change to apply.
        """
        if self.redo is None:
            raise ValueError("this restoration keeps no change to apply; take one that a Deblurrer made")
        return self.redo(strength)

    @property
    def summary(self) -> str:
        """The result in words, such as "2 faces: 1 restored, 1 too small (18 px)"."""
        total = len(self.faces) + len(self.skipped)
        if not total:
            return "no face found"
        parts = [f"{len(self.faces)} restored"] if self.faces else []
        parts += [f"{count} {reason}" for reason, count in Counter(face.reason for face in self.skipped).items()]
        return f"{total} {'face' if total == 1 else 'faces'}: {', '.join(parts)}"

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the restored photo, as `snadnet.write_photo` does: completely or not at all.

        Args:
            path: The output; its ending names the format. Its folder is made if need be.
            overwrite: Replace an existing file.

        Raises:
            OutputExistsError: If ``path`` exists and ``overwrite`` is false.
            PhotoError: If the ending is unknown, the format cannot hold the photo, or the file cannot be written.
        """
        write_photo(self.photo, path, overwrite=overwrite)

    def __repr__(self) -> str:
        height, width = self.photo.pixels.shape[:2]
        name = "a photo" if self.original.path is None else printable(self.original.path)
        return f"<Restoration of {name}, {width} x {height} px; {self.summary}>"

    def _repr_png_(self) -> bytes:
        return encode_photo(self.photo, "PNG")
