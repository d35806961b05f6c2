"""Frozen test sets: blurred and sharp faces written once, so that every method, ours or not, sees the same pixels.

A test set is a folder::

    manifest.json        what is in it: the protocol in words, and each face's kernel and checksums
    blurred/NAME.png     the input, 8-bit RGB
    sharp/NAME.png       its target
    labels/NAME.png      class ids of the sharp face, where the data set has them

The manifest is written last: a folder without one is not finished.
"""

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from snadnet.data.blurs import LinearBlur, PhotoBlur, RotatingBlur
from snadnet.data.image_folder import FaceFile, read_labels
from snadnet.data.protocols import Protocol, blurred_pair, sharp_labels
from snadnet.errors import DataError
from snadnet.files import write_atomically
from snadnet.image_arrays import to_float, to_uint8

SCHEMA: Final = "snadnet-test-set-1"
MANIFEST: Final = "manifest.json"
BLURRED: Final = "blurred"
SHARP: Final = "sharp"
LABELS: Final = "labels"


def _plain_name(name: str) -> str:
    # The name becomes part of a path: it must not lead out of the folder.
    if name in ("", "..") or name != Path(name).name or "\\" in name or "\0" in name:
        raise ValueError(f"{name!r} is no plain file name")
    return name


Checksum = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
PlainName = Annotated[str, AfterValidator(_plain_name)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FrozenKernel(_Record):
    """The kernel that blurred one face.

    Attributes:
        kind: Its family; ``"none"`` for a face that stayed sharp.
        size: Its side (trajectory) or length (linear) in pixels; 0 if there is none.
        angle: Direction of a linear kernel in degrees.
        seed: Seed of a trajectory kernel (`snadnet.blur.trajectory_kernel`).
        exposure: The part of a trajectory that was integrated, in (0, 1].
        rotation: Largest turn of a rotating camera in degrees (`snadnet.blur.rotating_blur`).
        gain, defocus: Of a photo (`snadnet.data.blurs.PhotoConditions`).
    """

    kind: Literal["none", "linear", "trajectory", "canvas", "rotating", "photo"]
    size: int = Field(0, ge=0)
    angle: float | None = None
    seed: int | None = None
    exposure: float | None = None
    rotation: float | None = None
    gain: float | None = None
    defocus: float | None = None


class FrozenFace(_Record):
    """One face of a test set.

    Attributes:
        name: Of its files, without the suffix.
        source: File name of the face that it was made from.
        sha256_blurred, sha256_sharp, sha256_labels: Of the PNG files; None if there is no label map.
        kernel: What blurred it.
        noise_seed: Seed of its noise; None if the protocol has none.
    """

    name: PlainName
    source: str
    sha256_blurred: Checksum
    sha256_sharp: Checksum
    sha256_labels: Checksum | None = None
    kernel: FrozenKernel
    noise_seed: int | None = None


class _Manifest(_Record):
    schema_: Literal["snadnet-test-set-1"] = Field(alias="schema")
    protocol: str
    description: str
    size: int = Field(ge=1)
    aligned: bool = True
    faces: tuple[FrozenFace, ...] = Field(min_length=1)


class FrozenTestSet(_Record):
    """A test set on disk, as `read_test_set` returns it.

    Attributes:
        folder: Where it lies.
        protocol: The protocol's name.
        description: The whole protocol in words.
        size: Side of the images in pixels.
        aligned: Whether the faces are where aligned crops have them.
        faces: All of them, in the order of their numbers.
    """

    folder: Path
    protocol: str
    description: str
    size: int
    aligned: bool
    faces: tuple[FrozenFace, ...]

    def blurred_path(self, face: FrozenFace) -> Path:
        """The file of a face's blurred image."""
        return self.folder / BLURRED / f"{face.name}.png"

    def sharp_path(self, face: FrozenFace) -> Path:
        """The file of a face's sharp image."""
        return self.folder / SHARP / f"{face.name}.png"

    def labels_path(self, face: FrozenFace) -> Path | None:
        """The file of a face's label map, if it has one."""
        return None if face.sha256_labels is None else self.folder / LABELS / f"{face.name}.png"

    def read_pair(self, face: FrozenFace) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Read a face, after comparing its files' checksums.

        Returns:
            ``(blurred, sharp)``, each ``(size, size, 3)``, RGB, float32 in ``[0, 1]``, multiples of 1/255.

        Raises:
            DataError: If a file is missing, is not the one that was written, or has another size.
        """
        return (
            self._image(self.blurred_path(face), face.sha256_blurred),
            self._image(self.sharp_path(face), face.sha256_sharp),
        )

    def read_labels(self, face: FrozenFace) -> NDArray[np.uint8] | None:
        """Read a face's label map ``(size, size)``, or None if it has none; errors as for `read_pair`."""
        path = self.labels_path(face)
        if path is None or face.sha256_labels is None:
            return None
        _checked(path, face.sha256_labels)
        return read_labels(path)

    def _image(self, path: Path, sha256: str) -> NDArray[np.float32]:
        try:
            with Image.open(io.BytesIO(_checked(path, sha256))) as image:
                pixels = np.asarray(image.convert("RGB"))
        except (OSError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
            raise DataError(f"{path}: cannot be read as an image ({error}); freeze the test set again") from error
        if pixels.shape != (self.size, self.size, 3):
            height, width = pixels.shape[:2]
            raise DataError(f"{path}: is {width} x {height}, not {self.size} px as {MANIFEST} says")
        return to_float(pixels)


def read_test_set(folder: Path) -> FrozenTestSet:
    """Read a test set's manifest; images are read, and checked, one by one later.

    Raises:
        DataError: If the folder is no finished test set, or its manifest is damaged.
    """
    path = folder / MANIFEST
    try:
        manifest = _Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise DataError(f"{path}: is missing; make the test set with snadnet freeze") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise DataError(f"{path}: {place}: {first['msg']}; freeze the test set again") from error
    if len({face.name for face in manifest.faces}) != len(manifest.faces):
        raise DataError(f"{path}: names a face twice; freeze the test set again")
    return FrozenTestSet(
        folder=folder,
        protocol=manifest.protocol,
        description=manifest.description,
        size=manifest.size,
        aligned=manifest.aligned,
        faces=manifest.faces,
    )


def freeze_face(face: FaceFile, number: int, protocol: Protocol, folder: Path) -> FrozenFace:
    """Write the files of face ``number`` of a test set, the pixels of `blurred_pair`.

    Raises:
        DataError: If the face or its label map cannot be read, is not square or is too small.
    """
    blurred, sharp = blurred_pair(face.image, protocol, number)
    name = face.image.stem
    labels = sharp_labels(face, protocol, number)
    return FrozenFace(
        name=name,
        source=face.image.name,
        sha256_blurred=_written(folder / BLURRED / f"{name}.png", to_uint8(blurred)),
        sha256_sharp=_written(folder / SHARP / f"{name}.png", to_uint8(sharp)),
        sha256_labels=None if labels is None else _written(folder / LABELS / f"{name}.png", labels),
        kernel=kernel_of(protocol, number),
        noise_seed=protocol.seed + number if protocol.noise_sigma else None,
    )


def write_manifest(folder: Path, protocol: Protocol, faces: Sequence[FrozenFace]) -> None:
    """Finish a test set whose faces are all written, in the order of their numbers."""
    manifest = {
        "schema": SCHEMA,
        "protocol": protocol.name,
        "description": str(protocol),
        "size": protocol.size,
        "aligned": protocol.aligned,
        "faces": [face.model_dump(exclude_none=True) for face in faces],
    }
    write_atomically(folder / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode("ascii"))


def kernel_of(protocol: Protocol, number: int) -> FrozenKernel:
    """Return the blur of face ``number`` under a protocol."""
    blur = protocol.blur
    if blur is None:
        return FrozenKernel(kind="none")
    size = blur.kernel_size(number)
    if isinstance(blur, LinearBlur):
        return FrozenKernel(kind="linear", size=size, angle=blur.angle)
    if isinstance(blur, RotatingBlur):
        paths = blur.paths
        return FrozenKernel(
            kind="rotating", size=size, seed=paths.seed(number), exposure=paths.exposure, rotation=blur.rotation
        )
    if isinstance(blur, PhotoBlur):
        paths, conditions = blur.paths, blur.conditions(number)
        return FrozenKernel(
            kind="photo", size=size, seed=paths.seed(number), exposure=paths.exposure, **conditions._asdict()
        )
    kind: Literal["trajectory", "canvas"] = "trajectory" if blur.placement == "fill" else "canvas"
    return FrozenKernel(kind=kind, size=size, seed=blur.seed(number), exposure=blur.exposure)


def _written(path: Path, pixels: NDArray[np.uint8]) -> str:
    """Write a PNG file; its SHA-256."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    write_atomically(path, file.getvalue())
    return hashlib.sha256(file.getvalue()).hexdigest()


def _checked(path: Path, sha256: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); freeze the test set again") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DataError(f"{path}: is not the file that {MANIFEST} names (other SHA-256); freeze the test set again")
    return content
