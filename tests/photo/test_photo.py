from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from snadnet.photo import (
    FORMATS,
    SUFFIXES,
    Photo,
    photo_from_array,
    photo_from_image,
    read_photo,
    write_photo,
)
from support.photo_samples import STORED, exif_bytes, picture, profile, with_space

ALPHA_SUFFIXES = [suffix for suffix in (".png", ".tif", ".webp", ".avif") if suffix in SUFFIXES]


def test_suffixes_lead_to_formats_that_are_read():
    assert set(SUFFIXES.values()) == set(FORMATS)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".jpg"])
@pytest.mark.parametrize("orientation", STORED)
def test_orientation_is_applied_and_reset(tmp_path, orientation, suffix):
    # Red, green, blue and white quarters of unequal sizes: no two of the eight orientations look alike.
    upright = np.zeros((32, 48, 3), np.uint8)
    upright[:8, :16] = (255, 0, 0)
    upright[:8, 16:] = (0, 255, 0)
    upright[8:, :16] = (0, 0, 255)
    upright[8:, 16:] = 255
    source, copy = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright)))
    stored.save(source, exif=exif_bytes(orientation), lossless=True, quality=100, subsampling=0)
    photo = read_photo(source)
    assert np.abs(photo.pixels.astype(int) - upright).max() <= 3
    write_photo(photo, copy)
    again = read_photo(copy)
    # WebP blurs colour edges; a wrong turn would be off by more than 60 on average.
    assert np.abs(again.pixels.astype(int) - upright).mean() <= 5
    with Image.open(copy) as image:
        assert image.getexif().get(ExifTags.Base.Orientation, 1) == 1
        assert image.size == (48, 32)


@pytest.mark.parametrize(
    ("image", "transparency", "grey"),
    [
        (Image.fromarray(np.array([[7, 9]], np.uint8)), 9, True),
        (Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)), (4, 5, 6), False),
        (Image.fromarray(np.array([[False, True]])), 255, True),
    ],
)
def test_a_transparent_colour_becomes_alpha(tmp_path, image, transparency, grey):
    image.save(tmp_path / "a.png", transparency=transparency)
    photo = read_photo(tmp_path / "a.png")
    assert photo.grey == grey
    assert photo.alpha.tolist() == [[255, 0]]
    assert np.array_equal(photo.pixels, np.array(image.convert("RGB")))


def test_a_palette_with_graded_transparency(tmp_path):
    image = Image.frombytes("P", (3, 1), bytes([0, 1, 2]))
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    image.save(tmp_path / "a.png", transparency=bytes([0, 128, 255]))
    photo = read_photo(tmp_path / "a.png")
    assert photo.pixels.tolist() == [[[10, 20, 30], [40, 50, 60], [70, 80, 90]]]
    assert photo.alpha.tolist() == [[0, 128, 255]]


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_becomes_rgb(tmp_path, suffix):
    # Full cyan, magenta, yellow and black patches, eight pixels square.
    inks = np.repeat(np.eye(4, dtype=np.uint8) * 255, 8, axis=0)[None].repeat(8, axis=0)
    image = Image.frombytes("CMYK", (32, 8), inks.tobytes())
    image.save(tmp_path / f"a{suffix}", icc_profile=with_space(profile(), b"CMYK"), quality=100)
    photo = read_photo(tmp_path / f"a{suffix}")
    assert photo.icc_profile is None
    assert photo.jpeg is None
    middles = photo.pixels[4, 4::8].astype(int)
    assert np.abs(middles - [[0, 255, 255], [255, 0, 255], [255, 255, 0], [0, 0, 0]]).max() <= 3


@pytest.mark.parametrize("suffix", [suffix for suffix in SUFFIXES if suffix != ".bmp"])
def test_exif_and_profile_survive(tmp_path, suffix):
    Image.fromarray(picture()).save(tmp_path / "a.jpg", exif=exif_bytes(), icc_profile=profile())
    photo = read_photo(tmp_path / "a.jpg")
    write_photo(photo, tmp_path / f"b{suffix}")
    with Image.open(tmp_path / f"b{suffix}") as image:
        assert image.info["icc_profile"] == profile()
        exif = image.getexif()
        assert exif[ExifTags.Base.Make] == "A maker"
        assert exif.get_ifd(ExifTags.IFD.GPSInfo)[2] == (1.0, 2.0, 3.0)
        details = exif.get_ifd(ExifTags.IFD.Exif)
        assert details[0x9003] == "2020:01:02 03:04:05"
        # Turned by 90 degrees, the record of the size turns too.
        assert (details[0xA002], details[0xA003]) == image.size == (5, 7)


def test_exif_of_a_tiff_survives_without_its_storage_tags(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.tif", exif=exif_bytes(), compression=None)
    write_photo(read_photo(tmp_path / "a.tif"), tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as image:
        exif = image.getexif()
        assert exif.get_ifd(ExifTags.IFD.Exif)[0x9003] == "2020:01:02 03:04:05"
        assert set(exif) == {
            ExifTags.Base.Make,
            ExifTags.Base.Orientation,
            ExifTags.IFD.Exif,
            ExifTags.IFD.GPSInfo,
        }


def test_exif_thumbnail_is_dropped(tmp_path):
    # TIFF header; first directory with the make, pointing to a second one that holds a four-byte thumbnail.
    first = b"II*\0\x08\0\0\0" + b"\x01\0" + b"\x0f\x01\x02\0\x04\0\0\0abc\0" + b"\x1a\0\0\0"
    second = b"\x02\0" + b"\x01\x02\x04\0\x01\0\0\0\x38\0\0\0" + b"\x02\x02\x04\0\x01\0\0\0\x04\0\0\0" + b"\0\0\0\0"
    Image.fromarray(picture()).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + first + second + b"THMB")
    exif = read_photo(tmp_path / "a.jpg").exif
    assert b"abc" in exif
    assert b"THMB" not in exif


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
@pytest.mark.parametrize("icc", [b"broken", with_space(profile(), b"CMYK"), with_space(profile(), b"GRAY")])
def test_a_profile_that_does_not_fit_is_dropped(tmp_path, suffix, icc):
    Image.fromarray(picture()).save(tmp_path / f"a{suffix}", icc_profile=icc)
    assert read_photo(tmp_path / f"a{suffix}").icc_profile is None


def test_a_grey_photo_keeps_only_a_grey_profile(tmp_path):
    grey = Image.fromarray(picture()).convert("L")
    grey_profile = with_space(profile(), b"GRAY")
    grey.save(tmp_path / "a.png", icc_profile=grey_profile)
    photo = read_photo(tmp_path / "a.png")
    assert photo.icc_profile == grey_profile
    grey.save(tmp_path / "b.png", icc_profile=profile())
    assert read_photo(tmp_path / "b.png").icc_profile is None
    # WebP has no grey, so a grey profile would not fit what is written.
    write_photo(photo, tmp_path / "c.webp")
    with Image.open(tmp_path / "c.webp") as image:
        assert "icc_profile" not in image.info


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_jpeg_keeps_its_quantisation(tmp_path, mode, subsampling):
    smooth = Image.linear_gradient("L").resize((64, 48)).convert(mode)
    smooth.save(tmp_path / "a.jpg", quality=61, subsampling=subsampling)
    photo = read_photo(tmp_path / "a.jpg")
    write_photo(photo, tmp_path / "b.jpg")
    with Image.open(tmp_path / "a.jpg") as before, Image.open(tmp_path / "b.jpg") as after:
        assert after.quantization == before.quantization
        # Of one channel alone the sampling has no effect.
        assert mode == "L" or after.layer == before.layer
        assert after.mode == mode


def test_another_format_becomes_a_fine_jpeg(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.png")
    write_photo(read_photo(tmp_path / "a.png"), tmp_path / "b.jpg")
    Image.fromarray(picture()).save(tmp_path / "c.jpg", quality=95, subsampling=0)
    with Image.open(tmp_path / "b.jpg") as image, Image.open(tmp_path / "c.jpg") as expected:
        assert image.quantization == expected.quantization
        assert image.layer == expected.layer


@pytest.mark.parametrize("suffix", ALPHA_SUFFIXES)
@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_is_kept_where_the_format_can(tmp_path, suffix, mode):
    Image.fromarray(picture(channels=4)).convert(mode).save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    write_photo(photo, tmp_path / f"b{suffix}")
    again = read_photo(tmp_path / f"b{suffix}")
    # AVIF is written with loss, a level or two.
    if suffix == ".avif":
        assert np.abs(again.alpha.astype(int) - photo.alpha).max() <= 2
    else:
        assert np.array_equal(again.alpha, photo.alpha)
        assert np.array_equal(again.pixels, photo.pixels)


@pytest.mark.parametrize("name", ["a.PNG", "a.Tif", "a.BMP"])
def test_endings_count_in_any_letter_case(tmp_path, name):
    photo = photo_from_array(picture())
    write_photo(photo, tmp_path / name)
    again = read_photo(tmp_path / name)
    assert again.format == SUFFIXES[Path(name).suffix.lower()]
    assert np.array_equal(again.pixels, photo.pixels)


def test_the_format_is_told_by_content(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.jpg", format="PNG")
    photo = read_photo(str(tmp_path / "a.jpg"))
    assert photo.format == "PNG"
    assert photo.path == tmp_path / "a.jpg"
    assert np.array_equal(photo.pixels, picture())


def test_the_main_picture_of_a_multi_picture_jpeg_is_read(tmp_path):
    first, second = (Image.new("RGB", (16, 8), colour) for colour in ("red", "blue"))
    first.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[second])
    photo = read_photo(tmp_path / "a.jpg")
    assert photo.format == "JPEG"
    assert photo.jpeg is not None
    assert photo.notes == ("first of 2 images",)
    assert photo.pixels[4, 8, 0] > 250


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".avif"])
def test_of_several_frames_the_first_is_read_and_a_note_says_so(tmp_path, suffix):
    if suffix not in SUFFIXES:
        pytest.skip("this Pillow has no AVIF")
    first, second, third = (Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "green"))
    first.save(tmp_path / f"a{suffix}", save_all=True, append_images=[second, third])
    photo = read_photo(tmp_path / f"a{suffix}")
    assert photo.notes == ("first of several pages" if suffix == ".tif" else "first of 3 frames",)
    assert np.abs(photo.pixels.astype(int) - np.array(first)).max() <= 3
    write_photo(photo, tmp_path / f"b{suffix}")
    assert read_photo(tmp_path / f"b{suffix}").notes == ()


def test_photo_from_image_leaves_the_image_alone(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.png", exif=exif_bytes(6))
    with Image.open(tmp_path / "a.png") as image:
        photo = photo_from_image(image)
        assert image.size == (7, 5)
        assert image.getexif()[ExifTags.Base.Orientation] == 6
    assert photo.pixels.shape == (7, 5, 3)
    assert photo.path is None
    assert photo_from_image(Image.fromarray(picture())).format == "PNG"


def test_photo_from_array():
    colour = picture(channels=4)
    photo = photo_from_array(colour)
    assert np.array_equal(photo.pixels, colour[..., :3])
    assert np.array_equal(photo.alpha, colour[..., 3])
    assert (photo.grey, photo.format, photo.icc_profile, photo.exif, photo.path) == (
        False,
        "PNG",
        None,
        None,
        None,
    )
    colour[:] = 0
    assert photo.pixels.any()
    grey = photo_from_array(np.array([[0.0, 0.5, 1.0]]))
    assert grey.grey
    assert grey.pixels.tolist() == [[[0] * 3, [128] * 3, [255] * 3]]


def test_with_pixels_keeps_the_rest_and_the_size(tmp_path):
    Image.fromarray(picture(channels=4)).save(tmp_path / "a.png", icc_profile=profile())
    photo = read_photo(tmp_path / "a.png")
    other = photo.with_pixels(np.zeros_like(photo.pixels))
    assert not other.pixels.any()
    assert (other.alpha is photo.alpha, other.icc_profile, other.path) == (
        True,
        photo.icc_profile,
        photo.path,
    )
    with pytest.raises(ValueError, match="keep the size"):
        photo.with_pixels(np.zeros((1, 1, 3), np.uint8))
    with pytest.raises(ValueError, match="float64"):
        photo.with_pixels(np.zeros(photo.pixels.shape))


def test_a_grey_photo_is_written_grey_whatever_its_new_pixels(tmp_path):
    photo = photo_from_array(picture(channels=1)[..., 0]).with_pixels(picture(seed=3))
    write_photo(photo, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "L"
        luma = np.array(Image.fromarray(picture(seed=3)).convert("L"))
        assert np.abs(np.array(image).astype(int) - luma).max() <= 1


def test_oversized_exif_is_left_out_of_a_jpeg(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "x" * 70_000
    Image.fromarray(picture()).save(tmp_path / "a.png", exif=exif)
    photo = read_photo(tmp_path / "a.png")
    assert len(photo.exif) > 70_000
    write_photo(photo, tmp_path / "b.jpg")
    assert read_photo(tmp_path / "b.jpg").exif is None


def test_photo_is_frozen():
    photo: Photo = photo_from_array(picture())
    with pytest.raises(AttributeError):
        photo.grey = True
