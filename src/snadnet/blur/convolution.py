"""Exact convolution of images with a blur kernel (Eq. 1 of the paper)."""

from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Border: TypeAlias = Literal["reflect", "replicate", "black"]
Method: TypeAlias = Literal["auto", "spatial", "fft"]

CV2_BORDERS = {"reflect": cv2.BORDER_REFLECT_101, "replicate": cv2.BORDER_REPLICATE, "black": cv2.BORDER_CONSTANT}
_IMAGE_DIMENSIONS = 3

# The "auto" rule, from benchmarks/blur_speed.py: best times in ms of filter2D / of one whole-image
# transform in turns, for a square RGB image, two 2.5 GHz Xeon cores that had other work too, OpenCV 4.14.
#   kernel      128        160        256        320        512        640       1024
#     9     0.4 / 1.2  0.7 / 2.0  1.6 / 5.0   2 / 12     9 / 47    14 / 50   21 / 109
#    11     0.5 / 1.2  0.8 / 1.9  1.8 / 4.8    3 / 8     7 / 23    11 / 46    32 / 99
#    13     1.4 / 1.2  1.5 / 1.4  9.9 / 3.6   11 / 6    26 / 17    28 / 33    84 / 86
#    29     1.1 / 0.9  1.8 / 1.6   18 / 3.2   11 / 5    26 / 16    30 / 32    89 / 84
#    61     1.5 / 1.2  2.9 / 2.5  5.2 / 3.9   21 / 6    35 / 23    60 / 26  143 / 102
# Below 130 taps filter2D sums directly and wins. From there on it transforms block by block, which is slower for
# middling images; for large ones the two are about level, and the blocks need far less memory.
_FOURIER_MIN_TAPS = 130
_FOURIER_MAX_PIXELS = 900 * 900


def apply_kernel(
    images: ArrayLike, kernel: ArrayLike, *, border: Border = "reflect", method: Method = "auto"
) -> NDArray[np.float32]:
    """Convolve every channel of every image with one kernel.

    This is a true convolution: a single bright pixel becomes the kernel itself, not its mirror image. The
    kernel is used as it is; one with sum 1 keeps the brightness. A kernel larger than the image is
    allowed: the border is then continued as often as needed.

    Both methods give the same result within 1e-5 for images in [0, 1] and a kernel with sum 1.

    Args:
        images: ``(H, W, C)`` or ``(B, H, W, C)``, floating-point.
        kernel: ``(kh, kw)``, both odd; its centre pixel is the origin.
        border: How the image goes on outside: ``reflect`` mirrors it without repeating its edge
            pixels, ``replicate`` repeats its edge pixels, ``black`` has nothing there, which darkens the edges.
        method: ``spatial`` is OpenCV's ``filter2D`` (which itself changes to blockwise Fourier transforms
            from 130 taps on), ``fft`` one Fourier transform of the whole image, ``auto`` the faster one
            by measured sizes: ``fft`` from 130 taps on if the image has at most 900 x 900 pixels, else
            ``spatial``.

    Returns:
        float32 of the same shape as ``images``.

    Raises:
        ValueError: If a shape or type is wrong, the kernel has an even side, a value is not finite, or the border or
            method is unknown.
    """
    checked, taps = checked_images(images), _without_empty_borders(_checked_kernel(kernel))
    check_border(border)
    if method not in ("auto", "spatial", "fft"):
        raise ValueError(f"method must be 'auto', 'spatial' or 'fft', not {method!r}")
    if checked.size == 0:
        return np.empty_like(checked)
    batch = checked.reshape(-1, *checked.shape[-_IMAGE_DIMENSIONS:])
    height, width = batch.shape[1:3]
    if method == "auto":
        fourier = taps.size >= _FOURIER_MIN_TAPS and height * width <= _FOURIER_MAX_PIXELS
    else:
        fourier = method == "fft"
    convolve = _convolve_fft if fourier else _convolve_spatial
    return convolve(batch, taps, border).reshape(checked.shape)


def _convolve_spatial(batch: NDArray[np.float32], kernel: NDArray[np.float32], border: Border) -> NDArray[np.float32]:
    # filter2D correlates, so the kernel is turned by half a turn; with odd sizes its centre stays the origin.
    turned = np.ascontiguousarray(kernel[::-1, ::-1])
    blurred = np.empty_like(batch)
    for image, result in zip(batch, blurred, strict=True):
        # filter2D drops a last axis of length 1.
        result[...] = cv2.filter2D(image, -1, turned, borderType=CV2_BORDERS[border]).reshape(result.shape)
    return blurred


def _convolve_fft(batch: NDArray[np.float32], kernel: NDArray[np.float32], border: Border) -> NDArray[np.float32]:
    height, width = batch.shape[1:3]
    rows, columns = kernel.shape
    # A circular convolution of the padded length is enough: only the first rows - 1 and columns - 1 results
    # are touched by the wrap-around, and those are not part of the image.
    full_height = cv2.getOptimalDFTSize(height + rows - 1)
    full_width = cv2.getOptimalDFTSize(width + columns - 1)
    padded_kernel = np.zeros((full_height, full_width), np.float32)
    padded_kernel[:rows, :columns] = kernel
    transfer = cv2.dft(padded_kernel)
    top, left = rows // 2, columns // 2
    bottom, right = full_height - height - top, full_width - width - left
    blurred = np.empty_like(batch)
    for image, result in zip(batch, blurred, strict=True):
        for channel in range(image.shape[2]):
            plane = np.ascontiguousarray(image[:, :, channel])
            padded = cv2.copyMakeBorder(plane, top, bottom, left, right, CV2_BORDERS[border])
            spectrum = cv2.mulSpectrums(cv2.dft(padded), transfer, 0)
            full = cv2.dft(spectrum, flags=cv2.DFT_INVERSE | cv2.DFT_SCALE | cv2.DFT_REAL_OUTPUT)
            result[:, :, channel] = full[rows - 1 : rows - 1 + height, columns - 1 : columns - 1 + width]
    return blurred


def _without_empty_borders(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """The kernel without outer rows and columns of nothing, as many on either side: its centre stays the origin."""
    middle = np.array(kernel.shape) // 2
    down, across = np.abs(np.argwhere(kernel) - middle).max(axis=0, initial=0)
    return kernel[middle[0] - down : middle[0] + down + 1, middle[1] - across : middle[1] + across + 1]


def check_border(border: str) -> None:
    """Raise ValueError unless ``border`` is one of the known kinds."""
    if border not in CV2_BORDERS:
        raise ValueError(f"border must be one of {', '.join(CV2_BORDERS)}, not {border!r}")


def checked_images(images: ArrayLike) -> NDArray[np.float32]:
    """Return one image or a batch as contiguous float32; raise ValueError if it is something else."""
    values = np.asarray(images)
    if values.ndim not in (_IMAGE_DIMENSIONS, _IMAGE_DIMENSIONS + 1):
        raise ValueError(f"images must have shape (H, W, C) or (B, H, W, C), not {values.shape}")
    if not np.issubdtype(values.dtype, np.floating):
        raise ValueError(f"images must be floating-point in [0, 1], not {values.dtype}: divide 8-bit ones by 255")
    if not np.isfinite(values).all():
        raise ValueError("images contain NaN or infinite values")
    return np.ascontiguousarray(values, dtype=np.float32)


def _checked_kernel(kernel: ArrayLike) -> NDArray[np.float32]:
    taps = np.asarray(kernel, dtype=np.float32)
    if taps.ndim != 2 or taps.shape[0] % 2 == 0 or taps.shape[1] % 2 == 0:  # noqa: PLR2004 - height and width
        raise ValueError(f"a kernel must have two odd dimensions, not shape {taps.shape}")
    if not np.isfinite(taps).all():
        raise ValueError("the kernel contains NaN or infinite weights")
    return taps
