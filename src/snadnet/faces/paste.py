"""Putting restored faces back into the photo as residuals.

The photo becomes ``photo + strength * mask * warp(restored - crop)``. Only what the network changed travels
through the crop's 256 px, so a large face never gets softer than it came, and a face that the network leaves
alone stays as it is, whatever its size.

The mask is a soft rounded rectangle rather than the shape of the parsed face: the network restores hair and
nearby background as well, and an edge along the hair line would show.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import DTypeLike, NDArray

from snadnet.concurrency import CorePool
from snadnet.errors import ConfigError
from snadnet.faces.defaults import CROP_SIZE
from snadnet.faces.warp import FloatArray, bounds, invert, shift, warp
from snadnet.image_arrays import PEAKS, Pixels

_FEATHER: Final = 1 / 8  # of the crop's side
_TILE: Final = 256  # side in photo pixels of what is worked on at once: bounds the memory for any photo
_GRID: Final = 16  # parts begin and end at multiples of it: chroma has a pixel for several


@dataclass(frozen=True, eq=False)
class Patch:
    """The change that one face makes to the photo.

    Attributes:
        matrix: float64 ``(2, 3)`` from photo to crop pixels, as the crop was cut with.
        residual: float32 ``(size, size, 3)``, restored minus blurred crop, in [-1, 1].
    """

    matrix: NDArray[np.float64]
    residual: FloatArray


@functools.lru_cache(maxsize=4)
def feather_mask(size: int = CROP_SIZE) -> FloatArray:
    """Return the paste weight of each pixel of a crop.

    1 in the middle and exactly 0 along the border, with a smooth step over an eighth of the side between.

    Args:
        size: Side of the crop in pixels.

    Returns:
        float32 ``(size, size)`` in [0, 1], read-only.
    """
    index = np.arange(size, dtype=np.float32)
    step = np.clip(np.minimum(index, size - 1 - index) / (size * _FEATHER), 0, 1)
    step = step * step * (3 - 2 * step)
    mask = np.outer(step, step).astype(np.float32)
    mask.setflags(write=False)
    return mask


def check_strength(strength: float) -> None:
    """Check that ``strength`` lies in [0, 1].

    Raises:
        ConfigError: If it does not.
    """
    if not 0 <= strength <= 1:
        raise ConfigError(f"strength {strength:g} is out of range; choose a number from 0 to 1")


def paste_faces(pixels: Pixels, patches: Sequence[Patch], *, strength: float = 1.0) -> Pixels:
    """Add the residuals of faces to a photo.

    Each residual belongs to a crop of the original photo. Where masks overlap and their weights sum to more
    than 1, the weights are divided by the sum: two crops of one spot are averaged, not added, and the step
    between one face and the next stays smooth. The order of the patches does not matter, to the last bit.

    Args:
        pixels: RGB ``(H, W, 3)``, uint8 or uint16; not changed.
        patches: One for each face.
        strength: Part of the change that is applied, in [0, 1]; 0 returns the photo as it was.

    Returns:
        ``(H, W, 3)`` of the same type; bit-identical to ``pixels`` where no mask reaches.

    Raises:
        ConfigError: If ``strength`` is out of range.
    """
    check_strength(strength)
    result = pixels.copy()

    def add(part: tuple[tuple[int, int, int, int], list[Patch]]) -> None:
        (left, top, right, bottom), here = part
        tile = result[top:bottom, left:right]
        tile[:] = _add(tile, here, left, top, strength)

    # No two parts share a pixel.
    CorePool("snadnet-paste").map(add, list(patch_tiles(patches, pixels.shape[1], pixels.shape[0])))
    return result


def patch_tiles(
    patches: Sequence[Patch], columns: int, rows: int
) -> Iterator[tuple[tuple[int, int, int, int], list[Patch]]]:
    """Go through the parts of a photo that patches reach, which bounds the memory for any photo.

    Args:
        patches: One for each face, in any order.
        columns: The photo's width in pixels.
        rows: Its height.

    Yields:
        Left, top, right and bottom of a part, 256 px or less, beginning at multiples of 16 px, and ending at such or
        with the photo; and the patches that reach it, in an order of their own. No two parts share a pixel.
    """
    # A sum of floats depends on its order, and the result shall not depend on that of the faces.
    patches = sorted(patches, key=lambda patch: patch.matrix.tobytes())
    boxes = [bounds(invert(patch.matrix), patch.residual.shape[1], patch.residual.shape[0]) for patch in patches]
    for top in range(0, rows, _TILE):
        for left in range(0, columns, _TILE):
            bottom, right = min(top + _TILE, rows), min(left + _TILE, columns)
            here = [
                (patch, box)
                for patch, box in zip(patches, boxes, strict=True)
                if box[0] < right and box[2] > left and box[1] < bottom and box[3] > top
            ]
            if here:
                x1, y1, x2, y2 = np.array([box for _, box in here]).T
                yield (
                    (
                        max(left, int(x1.min()) // _GRID * _GRID),
                        max(top, int(y1.min()) // _GRID * _GRID),
                        min(right, -(-int(x2.max()) // _GRID) * _GRID),
                        min(bottom, -(-int(y2.max()) // _GRID) * _GRID),
                    ),
                    [patch for patch, _ in here],
                )


def add_residual(pixels: Pixels, residual: FloatArray, *, strength: float = 1.0) -> Pixels:
    """Add a residual of the whole image, enlarged to its size by cubic interpolation, without a mask.

    Args:
        pixels: RGB ``(H, W, 3)``, uint8 or uint16; not changed.
        residual: float32 ``(h, w, 3)`` in [-1, 1], no larger than the image.
        strength: Part of the change that is applied, in [0, 1]; 0 returns the image as it was.

    Returns:
        ``(H, W, 3)`` of the same type.

    Raises:
        ConfigError: If ``strength`` is out of range.
    """
    check_strength(strength)
    rows, columns = pixels.shape[:2]
    across, down = columns / residual.shape[1], rows / residual.shape[0]
    matrix = np.array([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5]])
    result = pixels.copy()
    for top in range(0, rows, _TILE):
        strip = result[top : top + _TILE]
        size = (columns, strip.shape[0])
        change = warp(residual, shift(matrix, 0, -top), size, border=cv2.BORDER_REPLICATE)
        strip[:] = _rounded(strip + change * np.float32(PEAKS[strip.dtype] * strength), strip.dtype)
    return result


def blended_change(
    patches: Sequence[Patch], *, left: int, top: int, size: tuple[int, int], scale: float = 1.0
) -> FloatArray:
    """Return what faces change in a part of a photo, blended as in `paste_faces`.

    Args:
        patches: One for each face, in the order in which they are summed.
        left: Where the part begins in the photo, in pixels.
        top: Likewise.
        size: Its width and height in pixels.
        scale: What the change is multiplied by.

    Returns:
        float32 ``(height, width, 3)``, times ``scale`` in [-1, 1].
    """
    change = np.zeros((size[1], size[0], 3), np.float32)
    total = np.zeros((size[1], size[0]), np.float32)
    for patch in patches:
        to_tile = shift(invert(patch.matrix), -left, -top)
        mask = feather_mask(patch.residual.shape[0])
        # Only where it reaches: of a tile that several faces share, each may have little.
        box = bounds(to_tile, *mask.shape)
        x1, y1, x2, y2 = max(0, box[0]), max(0, box[1]), min(size[0], box[2]), min(size[1], box[3])
        if x1 >= x2 or y1 >= y2:
            continue
        to_part, part = shift(to_tile, -x1, -y1), (x2 - x1, y2 - y1)
        weight = warp(mask, to_part, part, border=cv2.BORDER_CONSTANT, interpolation=cv2.INTER_LINEAR)
        total[y1:y2, x1:x2] += weight
        added = warp(patch.residual, to_part, part, border=cv2.BORDER_REPLICATE)
        # NumPy takes three times as long to spread the weights over the channels.
        change[y1:y2, x1:x2] += cv2.multiply(added, cv2.merge([weight] * 3))
    if total.max(initial=0.0) > 1.0:
        change /= np.maximum(total, 1.0)[..., None]
    change *= np.float32(scale)
    return change


def _add(tile: Pixels, patches: Sequence[Patch], left: int, top: int, strength: float) -> Pixels:
    """The tile with the residuals added; ``left`` and ``top`` say where in the photo it begins."""
    size = (tile.shape[1], tile.shape[0])
    scale = float(PEAKS[tile.dtype]) * strength
    return _rounded(tile + blended_change(patches, left=left, top=top, size=size, scale=scale), tile.dtype)


def _rounded(values: FloatArray, dtype: DTypeLike) -> Pixels:
    """Pixels of a type, halves to even."""
    return np.rint(values).clip(0, PEAKS[np.dtype(dtype)]).astype(dtype)
