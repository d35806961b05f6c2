"""Folders of faces, and training samples."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from snadnet.data.dataloader import training_batches
from snadnet.data.dataset import Augmentation, FaceDataset, SampleKey, SizeShare, StepSampler, augment
from snadnet.data.degradation import (
    SHARP_ONLY,
    Borders,
    Degradation,
    kernel_bank,
)
from snadnet.data.image_folder import check_names, list_faces, list_images, read_face, read_labels, split_by_name
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


def test_softening_spares_flat_parts_and_labels_and_is_as_strong_as_it_is_drawn() -> None:
    image = np.full((9, 9, 3), 40, dtype=np.uint8)
    image[4, 4] = 240
    labels = np.ones((9, 9), dtype=np.uint8)
    soft = Augmentation(flip=0.0, softness=2.0)
    # The draws of the mirroring and the turn come first.
    sigma = np.random.default_rng(5).random(3)[2] * soft.softness
    changed, same = augment(image, labels, soft, np.random.default_rng(5))
    rows, columns = np.indices((9, 9)) - 4
    weights = np.exp(-(rows**2 + columns**2) / (2 * sigma**2))
    np.testing.assert_allclose(changed[..., 0], 40 + 200 * weights / weights.sum(), atol=3)
    np.testing.assert_array_equal(same, labels)
    for sigma in (0.0, 1e-9):
        unchanged, _ = augment(image, labels, Augmentation(flip=0.0, softness=sigma), np.random.default_rng(5))
        np.testing.assert_array_equal(unchanged, image)


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
