"""Colours described without an ICC profile come out with the same meaning, and the network sees sRGB."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from snadnet.errors import PhotoError
from snadnet.photo import FORMATS, ColourBridge, encode_photo, photo_from_image, read_photo_bytes, read_srgb
from snadnet.photo.described_colours import ADOBE_RGB
from support.photo_samples import picture, profile, wide_profile, wide_to_srgb

needs_avif = pytest.mark.skipif("AVIF" not in FORMATS, reason="this Pillow has no AVIF")

# From XYZ under D65 to linear sRGB (IEC 61966-2-1), and from linear Display P3 to XYZ (SMPTE EG 432-1).
XYZ_TO_SRGB = np.array(
    [[3.2404542, -1.5371385, -0.4985314], [-0.969266, 1.8760108, 0.041556], [0.0556434, -0.2040259, 1.0572252]]
)
P3_TO_XYZ = np.array(
    [[0.48657095, 0.26566769, 0.19821729], [0.22897456, 0.69173852, 0.07928691], [0, 0.04511338, 1.04394437]]
)


def srgb_curve(linear):
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def srgb_light(values):
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def p3_to_srgb(pixels):
    return 255 * srgb_curve(srgb_light(pixels / 255) @ P3_TO_XYZ.T @ XYZ_TO_SRGB.T)


def with_chunk(png, kind, content):
    """The PNG with one more chunk, right behind its header."""
    chunk = struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    return png[:33] + chunk + png[33:]


def png(pixels, *chunks, **options):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", **options)
    data = stream.getvalue()
    for kind, content in chunks:
        data = with_chunk(data, kind, content)
    return data


def cicp(primaries, curve, full_range=1):
    return b"cICP", bytes([primaries, curve, 0, full_range])


def gama(value):
    return b"gAMA", round(value * 100_000).to_bytes(4)


def chrm(*points):
    return b"cHRM", b"".join(round(value * 100_000).to_bytes(4) for value in points)


P3 = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
SRGB = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)


def read(data):
    return read_photo_bytes(data, name="a")


def muted(height=30, width=40):
    """Colours that sRGB can show whatever the primaries."""
    return np.random.default_rng(0).integers(90, 160, (height, width, 3), np.uint8)


def assert_same_pixels(photo, expected, tolerance=2):
    assert np.abs(photo.without_metadata().pixels - expected).max() <= tolerance


@pytest.mark.parametrize("chunks", [[cicp(12, 13)], [cicp(12, 1)], [chrm(*P3)]])
def test_display_p3_of_a_png_is_kept_and_seen_as_srgb(chunks):
    pixels = muted()
    photo = read(png(pixels, *chunks))
    assert np.array_equal(photo.pixels, pixels)
    assert_same_pixels(photo, p3_to_srgb(pixels))
    assert len(photo.notes) == 1
    assert photo.notes[0].startswith("its colours (")
    again = read(encode_photo(photo, "PNG"))
    assert (again.icc_profile, again.notes) == (photo.icc_profile, ())
    assert np.array_equal(again.pixels, pixels)
    bridge = ColourBridge(photo.icc_profile)
    shown = bridge.to_srgb(pixels.astype(np.float32) / np.float32(255))
    assert np.abs(shown * 255 - p3_to_srgb(pixels)).max() <= 2


@pytest.mark.parametrize("chunks", [[gama(1.0)], [cicp(1, 8)], [gama(1.0), chrm(*SRGB)]])
def test_linear_light_is_kept_and_seen_as_srgb(chunks):
    pixels = picture(30, 40)
    photo = read(png(pixels, *chunks))
    assert np.array_equal(photo.pixels, pixels)
    assert_same_pixels(photo, 255 * srgb_curve(pixels / 255))


def test_the_gamma_of_a_grey_png_is_kept_as_a_grey_profile():
    ramp = np.arange(256, dtype=np.uint8)[None]
    photo = read(png(ramp, gama(1 / 1.8)))
    assert photo.grey
    assert np.array_equal(photo.pixels[..., 0], ramp)
    assert_same_pixels(photo, (255 * srgb_curve((ramp / 255) ** 1.8))[..., None])
    assert read(encode_photo(photo, "JPEG")).icc_profile == photo.icc_profile


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [cicp(1, 13)],
        [cicp(1, 1)],
        [cicp(2, 2)],
        [gama(0.45455)],
        [gama(0.45455), chrm(*SRGB)],
        [chrm(*SRGB)],
        [(b"sRGB", b"\0"), gama(1.0)],
    ],
)
def test_what_means_srgb_gets_no_profile(chunks):
    photo = read(png(picture(), *chunks))
    assert (photo.icc_profile, photo.notes) == (None, ())


def test_codes_come_before_a_profile_and_a_profile_before_gamma():
    assert read(png(muted(), cicp(1, 13), icc_profile=wide_profile())).icc_profile is None
    photo = read(png(muted(), gama(1.0), icc_profile=wide_profile()))
    assert (photo.icc_profile, photo.notes) == (wide_profile(), ())


@pytest.mark.parametrize(
    "chunks",
    [
        [cicp(77, 13)],
        [cicp(12, 9)],
        [cicp(12, 13, full_range=0)],
        [gama(0.001)],
        [chrm(*P3[:2], *P3[:2] * 3)],
        [chrm(*[0] * 8)],
    ],
)
def test_a_description_that_is_not_understood_is_left_out_with_a_note(chunks):
    photo = read(png(picture(), *chunks))
    assert photo.icc_profile is None
    assert photo.notes == ("the description of its colours is damaged or of an unknown kind and is left out",)


@pytest.mark.parametrize(("code", "name"), [(16, "PQ"), (18, "HLG")])
def test_high_dynamic_range_is_refused_in_words(code, name):
    with pytest.raises(PhotoError, match=rf"^a: is a photo of high dynamic range \({name}\).*save it as an ordinary"):
        read(png(picture(), cicp(9, code)))


def test_a_text_of_the_name_of_a_chunk_is_no_description():
    assert read(png(picture(), (b"tEXt", b"gamma\0rubbish"), (b"tEXt", b"chromaticity\0rubbish"))).icc_profile is None


def avif(pixels, codes, **options):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "AVIF", quality=100, subsampling="4:4:4", **options)
    data = stream.getvalue()
    place = data.index(b"colrnclx") + 8
    return data[:place] + struct.pack(">HH", *codes) + data[place + 4 :]


@needs_avif
def test_display_p3_of_an_avif_is_kept_and_seen_as_srgb():
    photo = read(avif(muted(), (12, 13)))
    assert_same_pixels(photo, p3_to_srgb(photo.pixels))
    for target in ("AVIF", "JPEG", "WEBP", "TIFF"):
        assert read(encode_photo(photo, target)).icc_profile == photo.icc_profile


@needs_avif
def test_the_codes_of_an_avif_without_a_meaning_and_its_profile():
    assert read(avif(muted(), (1, 13))).icc_profile is None
    assert read(avif(muted(), (2, 2))).icc_profile is None
    with pytest.raises(PhotoError, match="PQ"):
        read(avif(muted(), (9, 16)))


@needs_avif
@pytest.mark.parametrize("end", range(0, 400, 7))
def test_a_shortened_avif_is_one_clear_error(end):
    with pytest.raises(PhotoError):
        read(avif(muted(), (12, 13))[:end])


def exif_of_a_camera(space, index):
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ColorSpace] = space
    if index:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.IFD.Interop] = {ExifTags.Interop.InteropIndex: index}
    return exif.tobytes()


@pytest.mark.parametrize(
    ("format_name", "space", "index"),
    [("JPEG", 0xFFFF, "R03"), ("PNG", 0xFFFF, "R03"), ("JPEG", 2, None), ("TIFF", 2, None)],
)
def test_adobe_rgb_by_exif_is_kept_and_seen_as_srgb(format_name, space, index):
    stream = io.BytesIO()
    Image.fromarray(muted(32, 32)).save(stream, format_name, quality=100, exif=exif_of_a_camera(space, index))
    photo = read(stream.getvalue())
    assert photo.notes == ("its colours (Adobe RGB (1998), by its EXIF) are written as a colour profile",)
    # Without its EXIF nothing would say so, and the pixels are sRGB.
    assert_same_pixels(photo, wide_to_srgb(photo.pixels))
    assert read(encode_photo(photo, "JPEG")).icc_profile == photo.icc_profile


@pytest.mark.parametrize(("space", "index"), [(1, "R03"), (0xFFFF, "R98"), (0xFFFF, None)])
def test_exif_that_does_not_say_adobe_rgb_gives_no_profile(space, index):
    stream = io.BytesIO()
    Image.fromarray(muted()).save(stream, "JPEG", exif=exif_of_a_camera(space, index))
    assert read(stream.getvalue()).icc_profile is None


def test_a_profile_comes_before_exif():
    stream = io.BytesIO()
    Image.fromarray(muted()).save(stream, "JPEG", exif=exif_of_a_camera(0xFFFF, "R03"), icc_profile=profile())
    assert read(stream.getvalue()).icc_profile == profile()


def test_an_image_that_was_just_opened_keeps_its_colours():
    data = png(muted(), cicp(12, 13))
    assert photo_from_image(Image.open(io.BytesIO(data))).icc_profile == read(data).icc_profile
    loaded = Image.open(io.BytesIO(png(muted(), gama(1.0))))
    loaded.load()
    assert photo_from_image(loaded).icc_profile is not None


def test_the_reader_of_training_sees_srgb(tmp_path):
    (tmp_path / "a.png").write_bytes(png(muted(), cicp(12, 13)))
    assert np.abs(read_srgb(tmp_path / "a.png") - p3_to_srgb(muted())).max() <= 2


def test_our_profile_is_that_of_the_colour_space():
    ours, theirs = (
        ImageCms.ImageCmsProfile(io.BytesIO(each)).profile for each in (ADOBE_RGB.profile(), wide_profile())
    )
    assert ours.profile_description == "Adobe RGB (1998)"
    for name in ("red_colorant", "green_colorant", "blue_colorant"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=2e-4)
