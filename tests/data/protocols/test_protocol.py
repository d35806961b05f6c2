from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from snadnet.blur import apply_kernel, trajectory_kernel
from snadnet.data.blurs import TrajectoryBlur
from snadnet.data.protocols import (
    CELEBA,
    CELEBA_CANVAS,
    CELEBA_HQ,
    CELEBA_NOISELESS,
    MSPL,
    PHOTOS,
    PROTOCOLS,
    ROTATING,
    SHARP,
    TEST_KERNEL_SEEDS,
    TRAINING_KERNEL_SEEDS,
    Protocol,
    blurred_pair,
    sharp_face,
)
from snadnet.errors import DataError


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    """A coarse random mosaic, 256 px: edges for the blur to soften."""
    coarse = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    return coarse.repeat(16, axis=0).repeat(16, axis=1)


def flat_face(level: int) -> np.ndarray:
    return np.full((256, 256, 3), level, dtype=np.uint8)


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=lambda protocol: protocol.name)
def test_a_pair_is_deterministic_8_bit_and_of_the_protocols_size(protocol, face):
    blurred, sharp = blurred_pair(face, protocol, index=7)
    again, _ = blurred_pair(face, protocol, index=7)
    assert np.array_equal(blurred, again)
    for picture in (blurred, sharp):
        assert picture.shape == (protocol.size, protocol.size, 3)
        assert picture.dtype == np.float32
        assert picture.min() >= 0.0
        assert picture.max() <= 1.0
        np.testing.assert_allclose(picture * 255, np.rint(picture * 255), atol=1e-4)


def test_the_papers_protocols():
    assert [CELEBA.blur.kernel_size(index) for index in range(10)] == [13, 15, 17, 19, 21, 23, 25, 27, 29, 13]
    assert CELEBA.size == 160
    for index in (0, 8):
        kernel = CELEBA.blur.kernel(index)
        assert kernel.shape == (CELEBA.blur.kernel_size(index),) * 2
        assert kernel.sum() == pytest.approx(1.0, abs=1e-5)
    assert CELEBA_HQ.size == 256
    assert CELEBA_HQ.blur.kernel(0).sum() == pytest.approx(1.0, abs=1e-5)


def test_linear_blur_is_the_same_for_every_face_and_trajectory_blur_is_not(face):
    assert np.array_equal(blurred_pair(face, CELEBA_HQ, 0)[0], blurred_pair(face, CELEBA_HQ, 9)[0])
    assert not np.array_equal(CELEBA.blur.kernel(0), CELEBA.blur.kernel(9))  # both of 13 px


def test_the_kernel_bank_starts_again_at_its_end():
    bank = TrajectoryBlur(sizes=(13, 15), seeds=range(5, 8))
    assert [bank.kernel_size(index) for index in range(4)] == [13, 15, 13, 13]
    assert np.array_equal(bank.kernel(0), bank.kernel(3))


def test_a_kernel_is_that_of_its_seed_whatever_is_made_beside_it():
    for index in (0, 63, 64, 2499):
        size, seed = CELEBA.blur.kernel_size(index), CELEBA.blur.seed(index)
        assert np.array_equal(CELEBA.blur.kernel(index), trajectory_kernel(size, seed=seed))
    with pytest.raises(ValueError, match="read-only"):
        CELEBA.blur.kernel(0)[0, 0] = 1


def test_the_canvas_reading_takes_the_same_seeds_and_spreads_as_far_as_was_measured():
    assert CELEBA_CANVAS.blur.seeds == CELEBA.blur.seeds
    radii = {13: [], 21: [], 29: []}
    for index in range(0, 900):
        if (size := CELEBA_CANVAS.blur.kernel_size(index)) in radii:
            kernel = CELEBA_CANVAS.blur.kernel(index).astype(np.float64)
            assert kernel.shape == (size, size)
            assert kernel.sum() == pytest.approx(1.0, abs=1e-5)
            rows, columns = np.indices(kernel.shape)
            mean = (kernel * rows).sum(), (kernel * columns).sum()
            radii[size].append(np.sqrt((kernel * ((rows - mean[0]) ** 2 + (columns - mean[1]) ** 2)).sum()))
    # Cut off at the border of the canvas here and there, and spread over pixels: both change little.
    assert [np.mean(values) for values in radii.values()] == pytest.approx([2.0, 2.9, 3.5], abs=0.2)


def test_the_noiseless_protocol_has_the_same_kernels_and_no_noise(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (200, 200), (90, 120, 150)).save(path)
    assert [CELEBA_NOISELESS.blur.kernel(3).tolist()] == [CELEBA.blur.kernel(3).tolist()]
    blurred, sharp = blurred_pair(path, CELEBA_NOISELESS, 3)
    np.testing.assert_allclose(blurred, sharp, atol=1e-6)
    assert np.std(blurred_pair(path, CELEBA, 3)[0] - sharp) == pytest.approx(0.03, rel=0.05)


def test_no_training_seed_is_a_test_seed():
    assert len(TEST_KERNEL_SEEDS) == 2500
    assert CELEBA.blur.seeds == TEST_KERNEL_SEEDS
    assert TRAINING_KERNEL_SEEDS[-1] < TEST_KERNEL_SEEDS[0]


def test_blur_keeps_a_flat_face_and_noise_has_the_stated_sigma():
    linear, flat = blurred_pair(flat_face(128), CELEBA_HQ, 0)
    np.testing.assert_allclose(linear, flat, atol=1e-6)
    noisy, flat = blurred_pair(flat_face(128), CELEBA, 0)
    noise = noisy - flat
    # 76,800 samples: the standard error of sigma is 0.26 %, that of the mean 0.00011
    assert noise.std() == pytest.approx(0.03, rel=0.02)
    assert abs(noise.mean()) < 5e-4
    assert not np.array_equal(noisy, blurred_pair(flat_face(128), CELEBA, 2500)[0])  # same kernel, other noise


def test_the_sharp_protocol_changes_nothing(face):
    blurred, sharp = blurred_pair(face, SHARP, 0)
    assert np.array_equal(blurred, sharp)
    assert np.array_equal(np.rint(sharp * 255).astype(np.uint8), face)
    blurred[:] = 0
    assert sharp.max() > 0


def test_a_file_and_an_array_give_the_same_pair(face, tmp_path):
    Image.fromarray(face).save(tmp_path / "face.png")
    for from_file, from_array in zip(
        blurred_pair(tmp_path / "face.png", CELEBA, 3), blurred_pair(face, CELEBA, 3), strict=True
    ):
        assert np.array_equal(from_file, from_array)


def test_scaling_down_keeps_flat_colour_and_does_not_alias():
    stripes = np.zeros((256, 256, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    inner = sharp_face(stripes, 64)[4:-4, 4:-4]
    np.testing.assert_allclose(inner, 0.5, atol=0.02)
    assert np.array_equal(sharp_face(flat_face(77), 160), np.full((160, 160, 3), np.float32(77) / 255))


def test_unfit_pictures_are_named(tmp_path, face):
    (tmp_path / "text.png").write_text("not a picture")
    Image.fromarray(face[:200]).save(tmp_path / "oblong.png")
    Image.fromarray(face[:100, :100]).save(tmp_path / "small.png")
    for name, complaint in [
        ("missing.png", "cannot be read"),
        ("text.png", "cannot be read"),
        ("oblong.png", "square"),
        ("small.png", "at least 160 px"),
    ]:
        with pytest.raises(DataError, match=complaint) as caught:
            blurred_pair(tmp_path / name, CELEBA, 0)
        assert str(tmp_path / name) in str(caught.value)
    with pytest.raises(DataError, match="uint8"):
        sharp_face(face.astype(np.float32), 160)


def test_a_protocol_tells_all_its_settings():
    text = str(CELEBA)
    for part in ("celeba", "160 px", "13 to 29 px", "2500", "0.03", str(CELEBA.seed)):
        assert part in text
    assert "linear kernel 25 px at 45 degrees" in str(CELEBA_HQ)
    assert "no blur" in str(Protocol("x", 64, None, 0.0, 0))


def test_the_rotating_protocol_is_the_celeba_protocol_but_for_the_rotation(face):
    assert (ROTATING.size, ROTATING.noise_sigma, ROTATING.seed) == (CELEBA.size, CELEBA.noise_sigma, CELEBA.seed)
    assert ROTATING.blur.paths == CELEBA.blur
    still = replace(ROTATING, blur=replace(ROTATING.blur, rotation=0.0))
    for index in (0, 8):
        rotated, plain = (blurred_pair(face, protocol, index)[0] for protocol in (ROTATING, CELEBA))
        # Without rotation the averaged poses are the kernel's convolution up to 2e-2, and 8-bit rounding.
        np.testing.assert_allclose(blurred_pair(face, still, index)[0], plain, atol=0.03)
        change = np.abs(rotated - plain).mean(axis=2)
        # The blur of the centre stays what it is, the corners' changes.
        corners = [change[rows, columns].mean() for rows in (slice(0, 40), slice(120, 160)) for columns in (slice(40),)]
        assert min(corners) > 2 * change[70:90, 70:90].mean()


def test_the_photos_protocol_blurs_light_and_clips_it():
    blur = PHOTOS.blur
    point = np.full((256, 256, 3), 0.25, np.float32)
    point[100:103, 100:103] = 1.0
    for index in (6, 7):
        conditions, kernel = blur.conditions(index), blur.kernel(index)
        assert kernel.sum() == pytest.approx(1.0, abs=1e-5)
        # Light by hand: what is white is brighter than white, and the sum of it is clipped.
        light = np.where(point == 1.0, conditions.gain, ((0.25 + 0.055) / 1.055) ** 2.4)
        summed = np.clip(apply_kernel(light.astype(np.float32), kernel), 0.0, 1.0)
        expected = 1.055 * summed ** (1 / 2.4) - 0.055
        np.testing.assert_allclose(blur.apply(point, index), expected, atol=1e-4)
    assert len(blur.kernel(7)) > len(blur.kernel(6))  # the odd ones are out of focus too
    assert blur.conditions(6).defocus == 0 < blur.conditions(7).defocus


def test_the_mspl_protocol_is_what_was_published():
    assert MSPL.size == 128
    assert [MSPL.blur.kernel_size(index) for index in range(9)] == [13, 15, 17, 19, 21, 23, 25, 27, 13]
    assert MSPL.noise_sigma == 0
    assert not MSPL.aligned
    assert "unaligned views" in str(MSPL)
    assert "turned by up to 3 degrees" in str(ROTATING)
