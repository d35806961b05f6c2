"""Folders of faces, the degradations of training, and training samples."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from skimage.data import astronaut

from snadnet.blur import add_noise, apply_kernel, kernel_extent
from snadnet.data.dataloader import training_batches
from snadnet.data.dataset import Augmentation, FaceDataset, SampleKey, SizeShare, StepSampler, augment
from snadnet.data.degradation import (
    SHARP_ONLY,
    Borders,
    Degradation,
    DrawnBorder,
    degrade,
    draw_border,
    kernel_bank,
)
from snadnet.data.image_folder import check_names, list_faces, list_images, read_face, read_labels, split_by_name
from snadnet.data.protocols import TEST_KERNEL_SEEDS
from snadnet.errors import DataError
from support.face_data import make_faces

NO_AUGMENTATION = Augmentation(flip=0.0)


def test_faces_are_listed_by_name_in_any_letter_case(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "c.Jpeg", "notes.txt"):
        Image.new("RGB", (4, 4)).save(tmp_path / name, format="PNG") if name != "notes.txt" else (
            tmp_path / name
        ).write_text("x")
    assert [path.name for path in list_images(tmp_path)] == ["a.jpg", "b.PNG", "c.Jpeg"]


def test_only_visible_files_are_listed(tmp_path: Path) -> None:
    """Not what network disks and macOS leave beside images."""
    (tmp_path / "@eaDir.jpg").mkdir()
    (tmp_path / "._a.png").write_bytes(b"resource fork")
    (tmp_path / ".hidden.png").write_bytes(b"")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    assert list_images(tmp_path) == [tmp_path / "a.png"]


def test_faces_are_read_upright_and_in_8_bits(tmp_path: Path) -> None:
    """By the reader of all photos: orientation 6 is a quarter turn, and 16 bits do not become white."""
    face = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    lying = Image.fromarray(np.rot90(face).copy())
    exif = Image.Exif()
    exif[0x0112] = 6
    lying.save(tmp_path / "lying.png", exif=exif)
    np.testing.assert_array_equal(read_face(tmp_path / "lying.png"), face)
    Image.fromarray(np.full((8, 8), 40_000, np.uint16)).save(tmp_path / "grey16.png")
    np.testing.assert_array_equal(read_face(tmp_path / "grey16.png"), np.full((8, 8, 3), round(40_000 / 257)))


def test_a_face_that_cannot_be_read_is_named_by_the_loader(tmp_path: Path) -> None:
    images, labels = make_faces(tmp_path, 2)
    for path in images.iterdir():
        path.write_bytes(b"no image")
    dataset = FaceDataset(list_faces(images, labels), SHARP_ONLY, NO_AUGMENTATION, seed=0)
    for workers in (0, 1):
        with pytest.raises(DataError, match=r"00\d\.png: cannot be read as a face") as caught:
            next(training_batches(dataset, [SizeShare(size=32, batch_size=2)], workers=workers))
        assert "\n" not in str(caught.value)


def test_a_missing_empty_or_mistaken_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: no such folder"):
        list_images(tmp_path / "nowhere")
    with pytest.raises(DataError, match="has no images"):
        list_images(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="is a file"):
        list_images(tmp_path / "file")


def test_a_missing_label_map_is_named(tmp_path: Path) -> None:
    images, labels = make_faces(tmp_path, 3)
    (labels / "001.png").unlink()
    with pytest.raises(DataError, match=r"001\.png.*1 of 3"):
        list_faces(images, labels)


def test_two_pictures_of_one_name_are_refused(tmp_path: Path) -> None:
    images, _ = make_faces(tmp_path, 1)
    (images / "000.jpg").write_bytes((images / "000.png").read_bytes())
    with pytest.raises(DataError, match=r"000\.png.*000\.jpg"):
        check_names(list_images(images))


def test_the_last_by_name_are_held_out() -> None:
    assert split_by_name([1, 2, 3, 4], 1) == ([1, 2, 3], [4])
    assert split_by_name([1, 2], 0) == ([1, 2], [])
    with pytest.raises(DataError, match="none to train on"):
        split_by_name([1, 2], 2)


def test_unreadable_pictures_and_impossible_labels_are_named(tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    for read in (read_face, read_labels):
        with pytest.raises(DataError, match=r"bad\.png"):
            read(bad)
    Image.fromarray(np.full((4, 4), 19, dtype=np.uint8)).save(bad)
    with pytest.raises(DataError, match="no class ids"):
        read_labels(bad)
    Image.new("RGB", (4, 4)).save(bad)
    with pytest.raises(DataError, match="mode RGB"):
        read_labels(bad)


def test_mirroring_swaps_left_and_right() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(1, 4, 3)
    labels = np.array([[4, 7, 8, 1]], dtype=np.uint8)
    mirrored, swapped = augment(image, labels, Augmentation(flip=1.0), np.random.default_rng(0))
    np.testing.assert_array_equal(mirrored, image[:, ::-1])
    np.testing.assert_array_equal(swapped, [[1, 9, 6, 5]])


def test_an_affine_change_moves_labels_with_the_picture() -> None:
    labels = np.zeros((64, 64), dtype=np.uint8)
    labels[20:40, 24:44] = 1
    image = np.repeat((labels * 200)[:, :, None], 3, axis=2)
    changed, moved = augment(image, labels, Augmentation(flip=0.0, affine=1.0), np.random.default_rng(3))
    assert not np.array_equal(moved, labels)
    assert ((changed[..., 0] > 100) == (moved == 1)).mean() > 0.98


def test_a_sample_depends_on_its_number_alone(tmp_path: Path) -> None:
    faces = list_faces(*make_faces(tmp_path, 4))
    mixture = Degradation(linear_share=1.0, kernels=4, jpeg_share=0.5, noise=(0.0, 0.03))
    sets = [FaceDataset(faces, mixture, Augmentation(affine=0.5), seed=7) for _ in range(2)]
    sets[0][SampleKey(0, 32)]  # another sample first
    first, second = (data[SampleKey(9, 32)] for data in sets)
    for one, two in zip(first, second, strict=True):
        assert one.equal(two)
    assert not sets[0][SampleKey(10, 32)].blurred.equal(first.blurred)


def test_every_pass_sees_every_face_once_in_a_new_order(tmp_path: Path) -> None:
    faces = list_faces(*make_faces(tmp_path, 5))
    data = FaceDataset(faces, SHARP_ONLY, NO_AUGMENTATION, seed=0)
    passes = [[data[SampleKey(r * 5 + i, 64)].sharp.sum().item() for i in range(5)] for r in range(3)]
    assert sorted(passes[0]) == sorted(passes[1]) == sorted(passes[2])
    assert not passes[0] == passes[1] == passes[2]


def test_a_sharp_sample_is_its_own_input_and_keeps_its_labels(tmp_path: Path) -> None:
    faces = list_faces(*make_faces(tmp_path, 1))
    sample = FaceDataset(faces, SHARP_ONLY, NO_AUGMENTATION, seed=0)[SampleKey(0, 64)]
    assert sample.blurred.equal(sample.sharp)
    np.testing.assert_array_equal(sample.labels.numpy(), np.asarray(Image.open(tmp_path / "labels" / "000.png")))


def test_faces_without_label_maps_are_marked_unknown(tmp_path: Path) -> None:
    images, _ = make_faces(tmp_path, 1)
    sample = FaceDataset(list_faces(images), SHARP_ONLY, NO_AUGMENTATION, seed=0)[SampleKey(0, 32)]
    assert (sample.labels == 255).all()


def test_labels_of_another_size_are_refused(tmp_path: Path) -> None:
    images, labels = make_faces(tmp_path, 1)
    Image.new("L", (10, 10)).save(labels / "000.png")
    with pytest.raises(DataError, match="is not the size"):
        FaceDataset(list_faces(images, labels), SHARP_ONLY, NO_AUGMENTATION, seed=0)[SampleKey(0, 32)]


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
        picture, _, kernel = degrade(sharp, mixture, np.random.default_rng(seed))
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
        picture, _, kernel = degrade(sharp, mixture, np.random.default_rng(seed))
        assert kernel.shape == (49, 49)
        assert kernel.sum() == pytest.approx(1.0, abs=1e-5)
        np.testing.assert_allclose(picture, apply_kernel(sharp, kernel), atol=1 / 255)


TURNING = {"trajectory_share": 0, "rotating_share": 1, "noise": (0.0, 0.0)}


def test_the_kernel_of_a_face_out_of_focus_is_that_of_both_blurs() -> None:
    sharp = np.random.default_rng(1).random((160, 160, 3), np.float32) * 0.5 + 0.25
    mixture = Degradation(defocus_share=1, defocus=(3.0, 3.0), noise=(0, 0), kernels=16)
    image, _, kernel = degrade(sharp, mixture, np.random.default_rng(4))
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
    image, sharp, kernel = degrade(photo, Degradation(**straight, light_share=1), np.random.default_rng(0))
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
    picture, _, kernel = degrade(photo, Degradation(**TURNING, rotation=(0.0, 0.0)), np.random.default_rng(2))
    assert kernel.max() < 0.5
    np.testing.assert_allclose(picture, apply_kernel(photo, kernel), atol=0.01)  # 5e-3 by rotating_blur, and rounding


def test_a_turning_camera_blurs_the_middle_by_its_kernel_and_the_corners_more() -> None:
    rows, columns = np.mgrid[:161, :161]
    dots = ((rows % 80 == 0) & (columns % 80 == 0)).astype(np.float32)[..., None].repeat(3, axis=2)
    mixture = Degradation(**TURNING, smallest=3, largest=3, rotation=(8.0, 8.0))
    picture, _, kernel = degrade(dots, mixture, np.random.default_rng(2))
    np.testing.assert_allclose(picture[78:83, 78:83, 0], kernel[22:27, 22:27], atol=0.05)
    assert picture[0, 0].max() < 0.5 * kernel.max()


@pytest.mark.parametrize(("kind", "fill"), [("reflect", None), ("replicate", None), ("black", 0.0)])
def test_a_face_may_go_on_in_several_ways_beyond_its_edges(kind: str, fill: float | None) -> None:
    mixture = Degradation(
        linear_share=1, trajectory_share=0, noise=(0.0, 0.0), borders=Borders(**{"reflect": 0.0, kind: 1.0})
    )
    rng = np.random.default_rng(0)
    border = draw_border(mixture, 64, 64, rng)
    assert border == DrawnBorder(kind, 0)
    picture, _, kernel = degrade(np.ones((64, 64, 3), np.float32), mixture, rng, border)
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
    picture, _, kernel = degrade(around, mixture, rng, border)
    assert picture.shape == (64, 64, 3)
    np.testing.assert_allclose(picture, apply_kernel(around, kernel)[6:-6, 6:-6], atol=1 / 255)


def test_a_sample_with_surroundings_has_its_size_and_its_labels_in_place(tmp_path: Path) -> None:
    images, labels = make_faces(tmp_path, 1, size=128)
    mixture = Degradation(
        sharp_share=1, trajectory_share=0, noise=(0.0, 0.0), borders=Borders(reflect=0, surroundings=1)
    )
    dataset = FaceDataset(list_faces(images, labels), mixture, NO_AUGMENTATION, seed=0)
    blurred, sharp, classes, _ = dataset[SampleKey(0, 64)]
    assert blurred.shape == sharp.shape == (3, 64, 64)
    assert torch.equal(blurred, sharp)
    whole = Image.open(next(images.iterdir())).convert("RGB").resize((76, 76), Image.Resampling.LANCZOS)
    inside = np.asarray(whole, np.float32)[6:-6, 6:-6] / 255
    np.testing.assert_allclose(sharp.permute(1, 2, 0).numpy(), inside, atol=1e-6)
    assert classes.shape == (64, 64)


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


def test_steps_can_be_taken_up_anywhere() -> None:
    sizes = [SizeShare(size=32, batch_size=4), SizeShare(size=64, batch_size=2)]
    whole = iter(StepSampler(sizes, seed=1, start=0))
    batches = [next(whole) for _ in range(30)]
    later = iter(StepSampler(sizes, seed=1, start=11))
    assert [next(later) for _ in range(19)] == batches[11:]
    assert {(batch[0].size, len(batch)) for batch in batches} == {(32, 4), (64, 2)}


def test_processes_share_a_step_without_overlap() -> None:
    sizes = [SizeShare(size=32, batch_size=3)]
    parts = [next(iter(StepSampler(sizes, seed=1, start=5, rank=rank, world=2))) for rank in range(2)]
    numbers = [key.number for part in parts for key in part]
    assert len(set(numbers)) == 6
    assert {key.size for part in parts for key in part} == {32}


def test_workers_make_the_same_batches_and_share_the_kernels(tmp_path: Path) -> None:
    faces = list_faces(*make_faces(tmp_path, 5))
    degradation = Degradation(kernels=20, kernel_seed=77)
    dataset = FaceDataset(faces, degradation, Augmentation(), seed=3)
    sizes = [SizeShare(size=32, batch_size=4), SizeShare(size=64, batch_size=2)]
    built = kernel_bank.cache_info().misses
    loaders = [training_batches(dataset, sizes, workers=workers, start=6) for workers in (0, 2)]
    for here, there in islice(zip(*loaders, strict=True), 6):
        for own, other in zip(here, there, strict=True):
            assert torch.equal(own, other)
    # Both sizes' banks are there before a worker starts, and are made once.
    assert kernel_bank.cache_info().misses == built + 2
