"""Pixels of a decoded frame, and a change in RGB added to its planes as they are stored.

A clip's frames are luma and chroma, the chroma mostly of half the size, at 8 bits or more. They become RGB only to be
looked at; what the restoration of a face changes becomes luma and chroma and is added to the planes. So all else of a
frame reaches the encoder as it was decoded, to the bit, at its own depth.
"""

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from numpy.typing import NDArray

_FULL: Final = 2  # ITU-T H.273: the range of codes is used in full
_BT709: Final = 1
# Kr and Kb of the matrices by their codes in ITU-T H.273; the others are those of BT.601.
_LUMA: Final = {_BT709: (0.2126, 0.0722), 7: (0.212, 0.087), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
_BT601: Final = (0.299, 0.114)
_UNKNOWN_MATRIX: Final = frozenset({0, 2})
_LARGE: Final = 720  # lines from which a clip that says nothing is taken for BT.709, as players do
_BYTE_BITS: Final = 8


@dataclass(frozen=True)
class Colours:
    """How a clip's luma and chroma make RGB.

    Attributes:
        matrix: The code of its matrix in ITU-T H.273, a known one.
        full: Whether all codes are used, rather than 16 to 235 of 256.
    """

    matrix: int
    full: bool

    @classmethod
    def of(cls, frame: VideoFrame) -> "Colours":
        """Return those of a frame."""
        matrix = frame.colorspace
        if matrix in _UNKNOWN_MATRIX:
            matrix = _BT709 if min(frame.width, frame.height) >= _LARGE else 6
        return cls(matrix, frame.color_range == _FULL or frame.format.name.startswith("yuvj"))


def is_planar(pixel_format: VideoFormat) -> bool:
    """Whether `add_change` takes frames of this format: luma and chroma, or grey, in planes of their own."""
    name = pixel_format.name
    planes = len({component.plane for component in pixel_format.components})
    is_yuv = name.startswith("yuv") and not pixel_format.is_rgb and planes == len(pixel_format.components)
    is_grey = name.startswith("gray") and planes == 1 and len(pixel_format.components) == 1
    return (is_yuv or is_grey) and not pixel_format.is_big_endian and "f" not in name.removeprefix("yuv")


def to_rgb(frame: VideoFrame, turns: int) -> NDArray[np.uint8]:
    """Return a frame as a person sees it, uint8 RGB ``(H, W, 3)``.

    Args:
        frame: The frame.
        turns: By how many right angles to the left it is turned to be seen.
    """
    colours = Colours.of(frame)
    rgb = frame.reformat(
        format="rgb24",
        src_colorspace=colours.matrix if colours.matrix in _LUMA else 5,
        dst_colorspace=_BT709,
        src_color_range=2 if colours.full else 1,
        dst_color_range=2,
    )
    return np.ascontiguousarray(np.rot90(rgb.to_ndarray(), turns))


def turning(turns: int, width: int, height: int) -> NDArray[np.float64]:
    """Return the map ``(2, 3)`` from the pixels of a frame as it is stored to those of the frame as it is seen.

    Args:
        turns: By how many right angles to the left it is turned to be seen.
        width: Width of the stored frame in pixels.
        height: Its height.
    """
    maps = {
        0: [[1, 0, 0], [0, 1, 0]],
        1: [[0, 1, 0], [-1, 0, width - 1]],
        2: [[-1, 0, width - 1], [0, -1, height - 1]],
        3: [[0, -1, height - 1], [1, 0, 0]],
    }
    return np.array(maps[turns], np.float64)


def add_change(frame: VideoFrame, change: NDArray[np.float32], left: int, top: int) -> None:
    """Add a change in RGB to a part of a frame; all other samples stay as they are.

    Args:
        frame: A frame that nobody else holds, of a format that `is_planar` takes; it is changed.
        change: float32 ``(h, w, 3)`` in [-1, 1].
        left: Where the part begins in the stored frame, in pixels, a multiple of 4; it ends at such a multiple too,
            or with the frame.
        top: Likewise.
    """
    colours, bits = Colours.of(frame), frame.format.components[0].bits
    kr, kb = _LUMA.get(colours.matrix, _BT601)
    luma = change @ np.array([kr, 1 - kr - kb, kb], np.float32)
    unit = float(1 << (bits - _BYTE_BITS))
    code = (1 << bits) - 1
    luma_range, chroma_range = (code, code) if colours.full else (219 * unit, 224 * unit)
    _add(_plane(frame, 0), luma * np.float32(luma_range), left, top, code)
    if len(frame.format.components) < 3:  # noqa: PLR2004 - grey
        return
    across, down = _subsampling(frame)
    for plane, channel, k in ((1, 2, kb), (2, 0, kr)):
        difference = (change[..., channel] - luma) * np.float32(chroma_range / (2 * (1 - k)))
        _add(_plane(frame, plane), _means(difference, across, down), left // across, top // down, code)


def _plane(frame: VideoFrame, index: int) -> NDArray[Any]:
    plane = frame.planes[index]
    kind = np.dtype(np.uint8 if frame.format.components[0].bits <= _BYTE_BITS else "<u2")
    content: Any = plane  # has the buffer protocol, which its type does not say
    stride = abs(plane.line_size) // kind.itemsize
    rows: NDArray[Any] = np.frombuffer(content, kind).reshape(plane.height, stride)[:, : plane.width]
    return rows if plane.line_size > 0 else rows[::-1]


def _subsampling(frame: VideoFrame) -> tuple[int, int]:
    chroma = frame.planes[1]
    return round(frame.width / chroma.width), round(frame.height / chroma.height)


def _add(plane: NDArray[Any], change: NDArray[np.float32], left: int, top: int, code: int) -> None:
    height, width = change.shape
    part = plane[top : top + height, left : left + width]
    part[...] = np.rint(part + change[: part.shape[0], : part.shape[1]]).clip(0, code).astype(plane.dtype)


def _means(change: NDArray[np.float32], across: int, down: int) -> NDArray[np.float32]:
    """The means over the chroma's blocks; a block that the frame cuts is filled up."""
    height, width = change.shape
    fill = ((0, -height % down), (0, -width % across))
    full = np.pad(change, fill, mode="edge") if any(after for _, after in fill) else change
    if (across, down) == (1, 1):
        return full
    size = (full.shape[1] // across, full.shape[0] // down)
    return np.asarray(cv2.resize(full, size, interpolation=cv2.INTER_AREA), np.float32)


def as_format(frame: VideoFrame, name: str) -> VideoFrame:
    """Return the frame in a pixel format, with its times; a frame of that format comes as it is, made writable.

    RGB becomes luma and chroma of the matrix that `Colours.of` says, in the usual range.
    """
    if frame.format.name == name:
        frame.make_writable()
        return frame
    matrix = Colours.of(frame).matrix if frame.format.is_rgb else None
    if matrix is None:
        changed = frame.reformat(format=name)
    else:
        changed = frame.reformat(format=name, dst_colorspace=matrix, dst_color_range=1)
        changed.colorspace, changed.color_range = matrix, 1
    changed.pts, changed.time_base, changed.duration = frame.pts, frame.time_base, frame.duration
    return changed
