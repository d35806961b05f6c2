"""Frozen test sets: the protocols' pixels on disk, and a reader that notices any change."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from snadnet.data.image_folder import list_faces, read_labels
from snadnet.data.protocols import CELEBA, CELEBA_HQ, MSPL, PHOTOS, ROTATING, SHARP, Protocol, blurred_pair
from snadnet.data.test_sets import FrozenTestSet, freeze_face, kernel_of, read_test_set, write_manifest
from snadnet.errors import DataError
from support.face_data import make_faces

SMALL = Protocol(name="small", size=32, blur=CELEBA.blur, noise_sigma=0.03, seed=CELEBA.seed)


def frozen(folder: Path, count: int = 2, protocol: Protocol = SMALL) -> FrozenTestSet:
    faces = list_faces(*make_faces(folder / "faces", count))
    records = [freeze_face(face, number, protocol, folder / "set") for number, face in enumerate(faces)]
    write_manifest(folder / "set", protocol, records)
    return read_test_set(folder / "set")


def test_the_pixels_on_disk_are_the_protocols(tmp_path: Path) -> None:
    faces = frozen(tmp_path)
    for number, face in enumerate(faces.faces):
        expected = blurred_pair(tmp_path / "faces" / "images" / face.source, SMALL, number)
        for picture, true in zip(faces.read_pair(face), expected, strict=True):
            np.testing.assert_array_equal(picture, true)
    assert (faces.protocol, faces.size, faces.description) == ("small", 32, str(SMALL))


def test_label_maps_come_along_at_the_same_size(tmp_path: Path) -> None:
    faces = frozen(tmp_path, 1)
    labels = faces.read_labels(faces.faces[0])
    true = read_labels(tmp_path / "faces" / "labels" / "000.png")
    np.testing.assert_array_equal(labels, true[::2, ::2])


def test_the_manifest_tells_the_kernel_and_noise_of_each_face() -> None:
    kernel = kernel_of(CELEBA, 2501)
    assert (kernel.kind, kernel.size, kernel.seed, kernel.exposure) == ("trajectory", 15, 2_000_000_001, 1.0)
    linear = kernel_of(CELEBA_HQ, 3)
    assert (linear.kind, linear.size, linear.angle, linear.seed) == ("linear", 25, 45, None)
    assert kernel_of(SHARP, 0).kind == "none"
    rotating = kernel_of(ROTATING, 2501)
    assert (rotating.kind, rotating.size, rotating.seed, rotating.rotation) == ("rotating", 15, 2_000_000_001, 3.0)
    photo = kernel_of(PHOTOS, 2501)
    assert (photo.kind, photo.size, photo.seed) == ("photo", 9, 2_000_000_001)
    assert 1 <= photo.gain <= 8
    assert 0.8 <= photo.defocus <= 4.0
    assert kernel_of(PHOTOS, 2500).defocus == 0


def test_an_unaligned_set_says_so_and_older_manifests_are_aligned(tmp_path: Path) -> None:
    small = replace(MSPL, size=32, blur=SMALL.blur)
    faces = frozen(tmp_path, 1, small)
    assert (faces.aligned, faces.size) == (False, 32)
    path = faces.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["aligned"]
    path.write_text(json.dumps(manifest))
    assert read_test_set(faces.folder).aligned


def test_a_changed_missing_or_swapped_file_is_named(tmp_path: Path) -> None:
    faces = frozen(tmp_path)
    first, second = faces.faces
    faces.blurred_path(first).write_bytes(faces.blurred_path(second).read_bytes())
    with pytest.raises(DataError, match=r"blurred.000\.png.*SHA-256"):
        faces.read_pair(first)
    faces.sharp_path(second).unlink()
    with pytest.raises(DataError, match=r"sharp.001\.png.*cannot be read"):
        faces.read_pair(second)


def test_an_unfinished_or_foreign_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"manifest\.json: is missing; .*snadnet freeze"):
        read_test_set(tmp_path)
    (tmp_path / "manifest.json").write_text('{"schema": "another"}')
    with pytest.raises(DataError, match=r"manifest\.json: schema"):
        read_test_set(tmp_path)


@pytest.mark.parametrize("name", ["../000", "/etc/passwd", "a\\b", "", ".."])
def test_a_manifest_cannot_lead_out_of_its_folder(tmp_path: Path, name: str) -> None:
    path = frozen(tmp_path, 1).folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["faces"][0]["name"] = name
    path.write_text(json.dumps(manifest))
    with pytest.raises(DataError, match="no plain file name"):
        read_test_set(path.parent)
