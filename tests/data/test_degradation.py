"""The degradations of training faces."""

import numpy as np
import pytest
from pydantic import ValidationError
from skimage.data import astronaut

from snadnet.blur import add_noise, apply_kernel, kernel_extent
from snadnet.data.degradation import (
    Borders,
    Degradation,
    DrawnBorder,
    degrade,
    draw_border,
    kernel_bank,
)
from snadnet.data.protocols import TEST_KERNEL_SEEDS


def test_blur_grows_with_the_picture() -> None:
    mixture = Degradation(smallest=29, largest=29, kernels=8)
    assert {kernel.shape[0] for kernel in kernel_bank(mixture, 160)} == {29}
    assert {kernel.shape[0] for kernel in kernel_bank(mixture, 320)} <= {57, 59}


@pytest.mark.parametrize("shares", [{"linear_share": 1, "trajectory_share": 0}, {}])
def test_blur_ends_where_the_kernels_that_are_learned_do(shares: dict[str, float]) -> None:
    mixture = Degradation(smallest=3, largest=60, kernels=64, long_share=0.5, noise=(0, 0), **shares)
    assert mixture.extents(160) == (3.0, 47.0)
    assert mixture.extents(128) == (pytest.approx(2.4), 47.0)
    assert Degradation(smallest=3, largest=29).extents(160) == (3.0, 29.0)
    assert Degradation(smallest=40, largest=40).extents(256) == (64.0, 64.0)
    sharp = np.random.default_rng(1).random((160, 160, 3), dtype=np.float32)
    for seed in range(8):
        face = degrade(sharp, mixture, np.random.default_rng(seed))
        picture, kernel = face.image, face.kernel
        np.testing.assert_allclose(picture, apply_kernel(sharp, kernel), atol=1 / 255)


def test_the_training_bank_shares_no_kernel_seed_with_the_test_bank() -> None:
    with pytest.raises(ValidationError):
        Degradation(kernel_seed=TEST_KERNEL_SEEDS.start)


def test_degraded_faces_look_like_8_bit_files_and_differ_by_noise_as_asked() -> None:
    rng = np.random.default_rng(0)
    sharp = np.full((64, 64, 3), 0.5, dtype=np.float32)
    noisy = degrade(sharp, Degradation(sharp_share=1, trajectory_share=0, noise=(0.03, 0.03)), rng)
    np.testing.assert_allclose(noisy.image * 255, np.rint(noisy.image * 255), atol=1e-4)
    assert (noisy.image - 0.5).std() == pytest.approx(0.03, rel=0.05)


@pytest.mark.parametrize("shares", [{"linear_share": 1}, {"trajectory_share": 1}, {"sharp_share": 1}])
def test_the_kernel_of_a_degraded_face_is_what_blurred_it(shares: dict[str, float]) -> None:
    sharp = np.random.default_rng(1).random((96, 96, 3), dtype=np.float32)
    everything = {"sharp_share": 0, "linear_share": 0, "trajectory_share": 0, **shares}
    mixture = Degradation(**everything, kernels=8, noise=(0.0, 0.0))
    for seed in range(4):
        face = degrade(sharp, mixture, np.random.default_rng(seed))
        picture, kernel = face.image, face.kernel
        assert kernel.shape == (49, 49)
        assert kernel.sum() == pytest.approx(1.0, abs=1e-5)
        np.testing.assert_allclose(picture, apply_kernel(sharp, kernel), atol=1 / 255)


TURNING = {"trajectory_share": 0, "rotating_share": 1, "noise": (0.0, 0.0)}


def test_the_kernel_of_a_face_out_of_focus_is_that_of_both_blurs() -> None:
    sharp = np.random.default_rng(1).random((160, 160, 3), np.float32) * 0.5 + 0.25
    mixture = Degradation(defocus_share=1, defocus=(3.0, 3.0), noise=(0, 0), kernels=16)
    face = degrade(sharp, mixture, np.random.default_rng(4))
    image, kernel = face.image, face.kernel
    inside = slice(30, 130)
    np.testing.assert_allclose(apply_kernel(sharp, kernel)[inside, inside], image[inside, inside], atol=3 / 255)
    # Of what is less than nothing, the divergence of two kernels would be no number.
    kernels = [degrade(sharp, mixture, np.random.default_rng(seed)).kernel for seed in range(40)]
    assert min(float(each.min()) for each in kernels) >= 0.0
    still = Degradation(sharp_share=1, trajectory_share=0, defocus_share=1, defocus=(3.0, 3.0), noise=(0, 0))
    assert kernel_extent(degrade(sharp, still, np.random.default_rng(4)).kernel).length > 4.0


def test_a_highlight_leaves_a_brighter_trace_and_grey_stays_grey() -> None:
    photo = np.full((64, 64, 3), 0.2, np.float32)
    photo[32, 32] = 1.0
    straight = {"linear_share": 1, "trajectory_share": 0, "linear_length": 9, "linear_angle": 0, "noise": (0, 0)}
    plain = degrade(photo, Degradation(**straight), np.random.default_rng(0)).image
    bright = degrade(photo, Degradation(**straight, highlight_share=1), np.random.default_rng(0)).image
    assert bright[32, 32].min() > plain[32, 32].max() + 0.1
    np.testing.assert_allclose(bright[:20], photo[:20], atol=1 / 255)


def test_a_face_in_light_is_the_mean_of_the_light_of_what_moved() -> None:
    photo = np.zeros((64, 64, 3), np.float32)
    photo[:, 32:] = 0.8
    straight = {"linear_share": 1, "trajectory_share": 0, "linear_length": 2, "linear_angle": 0, "noise": (0, 0)}
    face = degrade(photo, Degradation(**straight, light_share=1), np.random.default_rng(0))
    image, sharp, kernel = face.image, face.sharp, face.kernel
    light = ((0.8 + 0.055) / 1.055) ** 2.4
    np.testing.assert_allclose(sharp, photo * (light / 0.8), atol=1e-6)
    np.testing.assert_allclose(image, apply_kernel(sharp, kernel), atol=0.51 / 255 * 2.4 / 1.055)
    assert 0.1 * light < image[32, 31].min() < 0.5 * light


def test_long_motions_are_drawn_from_the_upper_half() -> None:
    bank = kernel_bank(Degradation(long_share=1, kernels=64), 160)
    assert min(len(kernel) for kernel in bank) >= 21
    assert min(len(kernel) for kernel in kernel_bank(Degradation(kernels=64), 160)) < 21


def test_a_camera_s_processing_changes_detail_and_no_flat_part() -> None:
    sharp = np.random.default_rng(1).random((64, 64, 3), np.float32)
    sharp[:, :32] = 0.5
    still = Degradation(sharp_share=1, trajectory_share=0, processing_share=1, noise=(0, 0))
    image = degrade(sharp, still, np.random.default_rng(0)).image
    np.testing.assert_allclose(image[:, :20], 0.5, atol=1 / 255)
    assert np.abs(image - sharp)[:, 40:].mean() > 0.02


def test_what_has_no_share_draws_nothing() -> None:
    # So that mixtures of former trainings make the same faces.
    sharp = np.random.default_rng(1).random((64, 64, 3), np.float32)
    former, random = degrade(sharp, Degradation(kernels=8), np.random.default_rng(0)), np.random.default_rng(0)
    random.choice(4, p=[0.0, 0.0, 1.0, 0.0])
    kernel = kernel_bank(Degradation(kernels=8), 64)[int(random.integers(8))]
    random.uniform(0.03, 0.03)
    noisy = add_noise(apply_kernel(sharp, kernel), 0.03, random)
    np.testing.assert_allclose(former.image, noisy, atol=0.51 / 255)


def test_a_turning_camera_that_does_not_turn_blurs_by_its_kernel() -> None:
    photo = astronaut()[:128, 160:288].astype(np.float32) / 255
    face = degrade(photo, Degradation(**TURNING, rotation=(0.0, 0.0)), np.random.default_rng(2))
    picture, kernel = face.image, face.kernel
    assert kernel.max() < 0.5
    np.testing.assert_allclose(picture, apply_kernel(photo, kernel), atol=0.01)  # 5e-3 by rotating_blur, and rounding


def test_a_turning_camera_blurs_each_quarter_by_its_kernel_and_the_corners_more() -> None:
    rows, columns = np.mgrid[:161, :161]
    dots = ((rows % 40 == 0) & (columns % 40 == 0)).astype(np.float32)[..., None].repeat(3, axis=2)
    mixture = Degradation(**TURNING, smallest=3, largest=3, rotation=(8.0, 8.0))
    face = degrade(dots, mixture, np.random.default_rng(2))
    for row, down in enumerate((40, 120)):
        for column, right in enumerate((40, 120)):
            seen = face.image[down - 8 : down + 9, right - 8 : right + 9, 0]
            np.testing.assert_allclose(seen, face.kernels[row, column, 16:33, 16:33], atol=0.05)
    assert np.abs(face.kernels[0, 0] - face.kernels[1, 1]).sum() > 0.5
    assert face.image[0, 0].max() < 0.5 * face.image[80, 80].max()


@pytest.mark.parametrize(("kind", "fill"), [("reflect", None), ("replicate", None), ("black", 0.0)])
def test_a_face_may_go_on_in_several_ways_beyond_its_edges(kind: str, fill: float | None) -> None:
    mixture = Degradation(
        linear_share=1, trajectory_share=0, noise=(0.0, 0.0), borders=Borders(**{"reflect": 0.0, kind: 1.0})
    )
    rng = np.random.default_rng(0)
    border = draw_border(mixture, 64, 64, rng)
    assert border == DrawnBorder(kind, 0)
    face = degrade(np.ones((64, 64, 3), np.float32), mixture, rng, border)
    picture, kernel = face.image, face.kernel
    assert kernel.max() < 1.0
    assert (picture[0, 0] < 0.95).all() == (fill == 0.0)


def test_a_face_in_its_surroundings_is_blurred_with_them() -> None:
    mixture = Degradation(
        linear_share=1, trajectory_share=0, noise=(0.0, 0.0), borders=Borders(reflect=0, surroundings=1)
    )
    rng = np.random.default_rng(0)
    border = draw_border(mixture, 64, 100, rng)
    assert border == DrawnBorder("reflect", 6)  # 29 px at 160 px reach 5.8 px here
    assert draw_border(mixture, 64, 75, rng) == DrawnBorder("reflect", 0)  # 76 px would be needed
    around = np.random.default_rng(1).random((76, 76, 3), dtype=np.float32)
    face = degrade(around, mixture, rng, border)
    picture, kernel = face.image, face.kernel
    assert picture.shape == (64, 64, 3)
    np.testing.assert_allclose(picture, apply_kernel(around, kernel)[6:-6, 6:-6], atol=1 / 255)


def test_what_reaches_beyond_the_kernel_of_a_face_is_cut_off() -> None:
    sharp = np.full((256, 256, 3), 0.5, dtype=np.float32)
    mixture = Degradation(linear_share=1, trajectory_share=0, linear_length=80, linear_angle=0, noise=(0.0, 0.0))
    kernel = degrade(sharp, mixture, np.random.default_rng(0)).kernel
    np.testing.assert_allclose(kernel[24], 1 / 49, atol=1e-6)


def test_the_paper_s_share_is_blurred_as_by_the_defaults() -> None:
    sharp = np.random.default_rng(1).random((64, 64, 3), np.float32)
    mixture = Degradation(paper_share=0.5, sharp_share=1, trajectory_share=0, noise=(0, 0), kernels=8)
    faces = [degrade(sharp, mixture, np.random.default_rng(seed)) for seed in range(100)]
    still = [face.kernel[24, 24] == 1 for face in faces]
    assert np.mean(still) == pytest.approx(0.5, abs=0.15)  # three standard errors
    random = np.random.default_rng(still.index(False))
    random.random()
    expected = degrade(sharp, Degradation(kernels=8), random)
    np.testing.assert_array_equal(faces[still.index(False)].image, expected.image)


def test_a_share_of_faces_stays_free_of_noise() -> None:
    sharp = np.full((32, 32, 3), 0.5, dtype=np.float32)
    mixture = Degradation(sharp_share=1, trajectory_share=0, noise=(0.03, 0.03), noise_free_share=0.25)
    rng = np.random.default_rng(0)
    quiet = [degrade(sharp, mixture, rng).image.std() < 1e-6 for _ in range(400)]
    assert np.mean(quiet) == pytest.approx(0.25, abs=0.06)  # three standard errors


@pytest.mark.parametrize(
    "values",
    [
        {"smallest": 9, "largest": 5},
        {"trajectory_share": 0.0},
        {"blur": 1},
        {"borders": {"reflect": 0.0}},
        {"rotation": (4.0, 1.0)},
        {"rotation": (-1.0, 1.0)},
    ],
)
def test_impossible_mixtures_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Degradation(**values)  # type: ignore[arg-type]
