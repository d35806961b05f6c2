"""Hypothesis over mode, size, orientation, depth, transparency and both formats: what goes in comes out."""

import io

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from snadnet.errors import PhotoError
from snadnet.photo import encode_photo, read_photo_bytes
from support.photo_samples import STORED, exif_bytes, picture

LOSSLESS = ["PNG", "TIFF", "BMP", "WEBP"]
# Mode and bits a channel; PNG alone packs grey and palettes into 2 or 4 bits.
KINDS = [("1", 1), ("L", 2), ("L", 4), ("L", 8), ("LA", 8), ("P", 2), ("P", 4), ("P", 8), ("RGB", 8), ("RGBA", 8)]
HOLDS = {
    "PNG": {"1", "L", "LA", "P", "RGB", "RGBA"},
    "TIFF": {"1", "L", "LA", "P", "RGB", "RGBA"},
    "BMP": {"1", "L", "P", "RGB"},
    "WEBP": {"RGB", "RGBA"},
}


def upright_picture(kind, size, seed):
    mode, bits = kind
    image = Image.fromarray(picture(*size, 3, seed))
    if mode == "P":
        return image.quantize(2**bits)
    if bits < 8:
        steps = np.array(image.convert("L")) >> (8 - bits)
        return Image.fromarray((steps * (255 // (2**bits - 1))).astype(np.uint8)).convert(mode)
    image = image.convert("L" if mode in {"L", "LA"} else "RGB")
    if mode in {"LA", "RGBA"}:
        image.putalpha(Image.fromarray(picture(*size, 1, seed + 1)[..., 0]))
    return image


def stored(upright, kind, orientation, format_name):
    """The file of a picture that is stored turned."""
    image = Image.fromarray(np.ascontiguousarray(STORED[orientation](np.array(upright))))
    options = {"lossless": True, "exact": True} if format_name == "WEBP" else {}
    if format_name == "PNG" and kind[0] in {"L", "P"}:
        options["bits"] = kind[1]
    if upright.mode == "P":
        image = Image.frombytes("P", image.size, image.tobytes())
        image.putpalette(upright.getpalette())
    if format_name != "BMP":
        options["exif"] = exif_bytes(orientation)
    stream = io.BytesIO()
    image.save(stream, format_name, **options)
    return stream.getvalue()


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    orientation=st.sampled_from(sorted(STORED)),
    source=st.sampled_from(LOSSLESS),
    target=st.sampled_from(LOSSLESS),
    seed=st.integers(0, 99),
)
def test_a_lossless_trip_keeps_pixels_alpha_greyness_and_size(*, kind, size, orientation, source, target, seed):
    assume(kind[0] in HOLDS[source] and (orientation == 1 or source != "BMP"))
    upright = upright_picture(kind, size, seed)
    photo = read_photo_bytes(stored(upright, kind, orientation, source), name="a")
    # The picture before it was turned, saved and read is the truth.
    assert np.array_equal(photo.pixels, np.array(upright.convert("RGB")))
    assert photo.grey == (kind[0] in {"1", "L", "LA"})
    assert photo.lossless
    assert photo.notes == ()
    alpha = np.array(upright.getchannel("A")) if upright.mode in {"LA", "RGBA"} else np.full(size, 255)
    assert np.array_equal(np.full(size, 255) if photo.alpha is None else photo.alpha, alpha)
    if photo.alpha is not None and target == "BMP":
        with pytest.raises(PhotoError, match="a: BMP cannot hold the photo's transparency"):
            encode_photo(photo, target, name="a")
        return
    again = read_photo_bytes(encode_photo(photo, target), name="b")
    assert again.format == target
    assert np.array_equal(again.pixels, photo.pixels)
    assert again.grey == (photo.grey and target != "WEBP")
    assert np.array_equal(np.full(size, 255) if again.alpha is None else again.alpha, alpha)


@settings(max_examples=40, deadline=None)
@given(
    mode=st.sampled_from(["L", "RGB"]),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    orientation=st.sampled_from(sorted(STORED)),
    quality=st.integers(75, 100),
)
def test_a_jpeg_keeps_its_size_greyness_and_quality(mode, size, orientation, quality):
    upright = np.full((*size, 3), 77, np.uint8)
    upright[0] = 200
    image = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright))).convert(mode)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality, subsampling=0, exif=exif_bytes(orientation))
    photo = read_photo_bytes(stream.getvalue(), name="a")
    assert photo.pixels.shape == upright.shape
    assert not photo.lossless
    again = read_photo_bytes(encode_photo(photo, "JPEG"), name="b")
    assert (again.grey, again.jpeg) == (photo.grey, photo.jpeg) == (mode == "L", photo.jpeg)
    assert np.abs(again.pixels.astype(int) - photo.pixels).mean() <= 6
