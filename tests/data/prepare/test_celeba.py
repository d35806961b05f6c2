"""``snadnet prepare`` on miniature trees of the shape of the published data sets."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from snadnet.cli.app import app
from snadnet.data.image_folder import list_faces, read_face, read_labels
from snadnet.data.prepare.celeba import MASK_PARTS, merge_masks
from snadnet.errors import DataError
from snadnet.faces.classes import CLASS_NAMES

RUNNER = CliRunner()
SPLITS = {1: 0, 2: 0, 3: 0, 4: 1, 5: 2}


def run(*words: object) -> tuple[int, str]:
    result = RUNNER.invoke(app, ["prepare", *(str(word) for word in words), "--workers", "2"])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def picture(path: Path, size: tuple[int, int], seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1] // 2, size[0] // 2, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize(size).save(path)


@pytest.fixture
def celeba(tmp_path: Path) -> Path:
    for number in SPLITS:
        picture(tmp_path / "CelebA" / "Img" / "img_align_celeba" / f"{number:06d}.jpg", (178, 218), number)
        picture(tmp_path / "CelebA" / "Img" / "img_celeba" / f"{number:06d}.jpg", (60, 40), number)  # not aligned
    lines = [f"{number:06d}.jpg {split}\n" for number, split in SPLITS.items()]
    (tmp_path / "CelebA" / "Eval").mkdir()
    (tmp_path / "CelebA" / "Eval" / "list_eval_partition.txt").write_text("".join(lines))
    return tmp_path / "CelebA"


def manifest(folder: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()[1:]]


def test_celeba_is_split_by_its_own_list(celeba: Path, tmp_path: Path) -> None:
    code, said = run("celeba", celeba, "-o", tmp_path / "out")
    assert code == 0
    assert "5 faces prepared, 0 were there, 0 failed (train 3, validation 1, test 1)" in said
    assert [face.image.name for face in list_faces(tmp_path / "out" / "images")] == [
        f"{n:06d}.png" for n in (1, 2, 3, 4)
    ]
    assert {(entry["file"], entry["split"]) for entry in manifest(tmp_path / "out")} == {
        *((f"images/{n:06d}.png", "train") for n in (1, 2, 3)),
        ("images/000004.png", "validation"),
        ("test/images/000005.png", "test"),
    }
    with Image.open(celeba / "Img" / "img_align_celeba" / "000005.jpg") as image:
        middle = image.crop((0, 20, 178, 198)).resize((160, 160), Image.Resampling.LANCZOS)
        np.testing.assert_array_equal(read_face(tmp_path / "out" / "test" / "images" / "000005.png"), middle)


def test_celebas_zip_gives_the_same_faces_as_its_folder(celeba: Path, tmp_path: Path) -> None:
    run("celeba", celeba, "-o", tmp_path / "folder")
    pictures = celeba / "Img" / "img_align_celeba"
    with zipfile.ZipFile(celeba / "Img" / "img_align_celeba.zip", "w") as archive:
        for path in pictures.iterdir():
            archive.write(path, f"img_align_celeba/{path.name}")
            path.unlink()
    pictures.rmdir()
    partition = celeba / "Eval" / "list_eval_partition.txt"
    for number, source in enumerate(([celeba], [celeba / "Img" / "img_align_celeba.zip", "--partition", partition])):
        assert run("celeba", *source, "-o", tmp_path / f"zip{number}")[0] == 0
        assert [e["sha256"] for e in manifest(tmp_path / f"zip{number}")] == [
            e["sha256"] for e in manifest(tmp_path / "folder")
        ]


def test_missing_and_damaged_pictures_are_named_and_made_up_for_later(celeba: Path, tmp_path: Path) -> None:
    pictures = celeba / "Img" / "img_align_celeba"
    whole = {name: (pictures / name).read_bytes() for name in ("000001.jpg", "000003.jpg")}
    (pictures / "000001.jpg").unlink()
    (pictures / "000003.jpg").write_bytes(whole["000003.jpg"][:900])
    picture(pictures / "000004.jpg", (178, 178), 4)
    code, said = run("celeba", celeba, "-o", tmp_path / "out")
    assert code == 1
    assert "2 faces prepared, 0 were there, 3 failed" in said
    assert "000001, which the list names, is missing" in said
    assert "000003.jpg: " in said
    assert "000004.jpg: is 178 x 178, not 178 x 218" in said
    picture(pictures / "000004.jpg", (178, 218), 4)
    for name, content in whole.items():
        (pictures / name).write_bytes(content)
    code, said = run("celeba", celeba, "-o", tmp_path / "out")
    assert (code, "3 faces prepared, 2 were there, 0 failed" in said) == (0, True)
    assert [entry["file"] for entry in manifest(tmp_path / "out")] == sorted(
        e["file"] for e in manifest(tmp_path / "out")
    )


def test_many_missing_images_are_one_line(tmp_path: Path) -> None:
    for number in (0, 7):
        picture(tmp_path / "in" / f"{number}.jpg", (96, 96), number)
    many = ("--faces", 1200, "--validation", 1, "--test", 1, "--size", 64)
    code, said = run("celeba-hq", tmp_path / "in", "-o", tmp_path / "out", *many)
    assert code == 1
    assert said.count("\n") == 2
    assert "1,198 of 1,200 images are missing, the first: image number 1; fetch them again" in said
    assert "2 faces prepared, 0 were there, 1198 failed" in said
    code, said = run("celeba-hq", tmp_path / "in", "-o", tmp_path / "out", *many, "--verify")
    assert code == 1
    assert said.count("\n") == 2
    assert "1,198 of 1,200 files were never prepared, the first: images/00001.png" in said


def test_many_missing_images_of_the_list_are_one_line(celeba: Path, tmp_path: Path) -> None:
    for picture_of_list in (celeba / "Img" / "img_align_celeba").glob("00000[1-4].jpg"):
        picture_of_list.unlink()
    code, said = run("celeba", celeba, "-o", tmp_path / "out")
    assert code == 1
    assert " images are missing, the first: 000001 of the list; fetch them again\n" in said


def test_verification_finds_changed_missing_and_foreign_files(celeba: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(DataError, match="nothing was prepared"):
        run("celeba", celeba, "-o", out, "--verify")
    run("celeba", celeba, "-o", out)
    assert run("celeba", celeba, "-o", out, "--verify")[0] == 0
    (out / "images" / "000001.png").write_bytes(b"")
    (out / "images" / "000002.png").unlink()
    (out / "test" / "images" / "stranger.png").touch()
    code, said = run("celeba", celeba, "-o", out, "--verify")
    assert code == 1
    assert "000001.png: was changed" in said
    assert "000002.png: cannot be read" in said
    assert "stranger.png: was not prepared" in said
    assert "3 files as they were written, 3 not" in said


def test_celebas_list_is_checked(celeba: Path, tmp_path: Path) -> None:
    partition = celeba / "Eval" / "list_eval_partition.txt"
    for content, message in (
        ("000001.jpg 0\n000002.jpg 3\n", "line 2"),
        ("../000001.jpg.. 0\n", "line 1"),
        ("", "is empty"),
        ("000001.jpg 2\n000002.jpg 0\n", "000002 is of the train split but follows 000001"),
    ):
        partition.write_text(content)
        with pytest.raises(DataError, match=message):
            run("celeba", celeba, "-o", tmp_path / "out")
    partition.unlink()
    with pytest.raises(DataError, match=r"mmlab.*non-commercial"):
        run("celeba", celeba, "-o", tmp_path / "out")


def test_a_data_set_that_is_not_there_is_told_where_to_get(tmp_path: Path) -> None:
    (tmp_path / "list_eval_partition.txt").write_text("000001.jpg 0\n")
    for name, origin in (("celeba", "CelebA.html"), ("celeba-hq", "CelebAMask-HQ"), ("celebamask-hq", "CelebAMask-HQ")):
        for source in (tmp_path, tmp_path / "nowhere"):
            with pytest.raises(DataError, match=rf"by hand from .*{origin} \(for non-commercial research only\)"):
                run(name, source, "-o", tmp_path / "out")


HQ = ("--faces", 5, "--validation", 1, "--test", 1, "--size", 64)


def test_celeba_hq_is_split_by_number_whatever_is_missing(tmp_path: Path) -> None:
    for number in (0, 1, 3, 4):
        picture(tmp_path / "in" / "CelebA-HQ-img" / f"{number}.jpg", (96, 96), number)
    code, said = run("celeba-hq", tmp_path / "in", "-o", tmp_path / "out", *HQ)
    assert code == 1
    assert "image number 2 is missing" in said
    files = {entry["file"]: entry["split"] for entry in manifest(tmp_path / "out")}
    assert files == {
        "images/00000.png": "train",
        "images/00001.png": "train",
        "images/00003.png": "validation",
        "test/images/00004.png": "test",
    }
    assert read_face(tmp_path / "out" / "images" / "00000.png").shape == (64, 64, 3)


@pytest.mark.parametrize(
    "names", [("00001", "00002", "00003", "00004", "00005"), ("000004", "000009", "17", "203", "1999")]
)
def test_celeba_hq_may_be_numbered_in_other_ways(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        picture(tmp_path / "in" / f"{name}.png", (64, 64), int(name))
    assert run("celeba-hq", tmp_path / "in", "-o", tmp_path / "out", *HQ)[0] == 0
    made = [f"{int(name):05d}.png" for name in names]
    assert [path.name for path in sorted((tmp_path / "out" / "images").iterdir())] == made[:4]


def test_celeba_hq_pictures_that_cannot_be_told_apart_are_refused(tmp_path: Path) -> None:
    for name in ("celeba-64/0.png", "celeba-128/00000.png"):
        picture(tmp_path / "in" / name, (64, 64), 0)
    with pytest.raises(DataError, match="number 0 is there twice"):
        run("celeba-hq", tmp_path / "in", "-o", tmp_path / "out", *HQ)
    (tmp_path / "in" / "celeba-64" / "0.png").rename(tmp_path / "in" / "77.png")
    with pytest.raises(DataError, match=r"77\.png.*--faces"):
        run("celeba-hq", tmp_path / "in", "-o", tmp_path / "out", *HQ)


def test_too_small_pictures_are_not_enlarged(tmp_path: Path) -> None:
    for number in range(3):
        picture(tmp_path / "in" / f"{number}.png", (48, 48), number)
    options = ("--faces", 3, "--validation", 1, "--test", 1, "--size", 64)
    code, said = run("celeba-hq", tmp_path / "in", "-o", tmp_path / "out", *options)
    assert (code, said.count("is 48 x 48; square images of at least 64 px")) == (1, 3)


def test_other_splits_or_sizes_need_another_folder(tmp_path: Path) -> None:
    for number in range(5):
        picture(tmp_path / "in" / f"{number}.png", (64, 64), number)
    run("celeba-hq", tmp_path / "in", "-o", tmp_path / "out", *HQ)
    with pytest.raises(DataError, match=r"test.images.00004\.png.*not part of this source and split"):
        run("celeba-hq", tmp_path / "in", "-o", tmp_path / "out", *HQ, "--test", 0)
    with pytest.raises(DataError, match="'size': 64"):
        run("celeba-hq", tmp_path / "in", "-o", tmp_path / "out", *HQ, "--size", 32)


def test_the_parts_are_merged_in_the_data_sets_order() -> None:
    assert len(MASK_PARTS) == len(CLASS_NAMES) - 1
    ids = {part: MASK_PARTS.index(part) + 1 for part in ("eye_g", "l_eye", "u_lip", "ear_r", "neck_l", "neck")}
    names = ["glasses", "left_eye", "upper_lip", "earring", "necklace", "neck"]
    assert [CLASS_NAMES[number] for number in ids.values()] == names
    masks = {part: np.zeros((4, 4), bool) for part in ("hair", "skin", "hat")}
    masks["skin"][:, :3] = True
    masks["hair"][0] = True
    masks["hat"][0, 0] = True
    expected = [[14, 13, 13, 13], *[[1, 1, 1, 0]] * 3]
    np.testing.assert_array_equal(merge_masks(masks, 4), expected)


def test_celebamask_hq_gets_label_maps(tmp_path: Path) -> None:
    root = tmp_path / "CelebAMask-HQ"
    for number in range(5):
        picture(root / "CelebA-HQ-img" / f"{number}.jpg", (128, 128), number)
        for part, left in (("skin", 0), ("nose", 256)) if number != 1 else ():
            mask = np.zeros((512, 512, 3), np.uint8)
            mask[:, left:] = 255
            path = root / "CelebAMask-HQ-mask-anno" / str(number // 3) / f"{number:05d}_{part}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(mask).save(path)
    code, said = run("celebamask-hq", root, "-o", tmp_path / "out", *HQ)
    assert code == 1
    assert "the masks 00001_skin.png and so on are missing" in said
    faces = list_faces(tmp_path / "out" / "images", tmp_path / "out" / "labels")
    assert [face.image.stem for face in faces] == ["00000", "00002", "00003"]
    assert faces[0].labels is not None
    labels = read_labels(faces[0].labels)
    np.testing.assert_array_equal(labels, np.repeat([[1] * 32 + [2] * 32], 64, axis=0))
    assert len(list_faces(tmp_path / "out" / "test" / "images", tmp_path / "out" / "test" / "labels")) == 1


def test_a_folder_of_photos_gives_aligned_faces(tmp_path: Path, astronaut: np.ndarray) -> None:
    (tmp_path / "in").mkdir()
    Image.fromarray(astronaut).rotate(8, resample=Image.Resampling.BICUBIC).save(tmp_path / "in" / "a.png")
    Image.fromarray(astronaut).resize((64, 64)).save(tmp_path / "in" / "b.png")
    Image.new("RGB", (300, 200)).save(tmp_path / "in" / "c.png")
    code, said = run("folder", tmp_path / "in", "-o", tmp_path / "out", "--size", 128)
    assert code == 1
    assert "b.png: its largest face spans" in said
    assert "c.png: no face was found" in said
    upright = tmp_path / "upright"
    upright.mkdir()
    Image.fromarray(astronaut).save(upright / "a.png")
    run("folder", upright, "-o", tmp_path / "out2", "--size", 128)
    tilted, straight = (read_face(tmp_path / out / "images" / "a.png").astype(float) for out in ("out", "out2"))
    # Alignment undoes the tilt: the crops nearly agree around the face.
    assert np.abs(tilted - straight)[32:96, 32:96].mean() < 12


def test_a_folder_of_aligned_faces_is_taken_as_it_is(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.png", "c.PNG", "d.png"):
        picture(tmp_path / "in" / name, (64, 64), ord(name[0]))
    options = ("--aligned", "--size", 64, "--validation", 1, "--test", 1)
    assert run("folder", tmp_path / "in", "-o", tmp_path / "out", *options)[0] == 0
    np.testing.assert_array_equal(
        read_face(tmp_path / "out" / "images" / "b.png"), read_face(tmp_path / "in" / "b.png")
    )
    assert [entry["source"] for entry in manifest(tmp_path / "out")] == ["a.jpg", "b.png", "c.PNG", "d.png"]
    assert [path.name for path in (tmp_path / "out" / "test" / "images").iterdir()] == ["d.png"]


def test_a_broken_archive_is_named(tmp_path: Path) -> None:
    path = tmp_path / "hq.zip"
    picture(tmp_path / "0.png", (64, 64), 0)
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(tmp_path / "0.png", "0.png")
    content = bytearray(path.read_bytes())
    content[200:260] = bytes(60)
    path.write_bytes(content)
    options = ("--faces", 1, "--validation", 0, "--test", 0, "--size", 64)
    code, said = run("celeba-hq", path, "-o", tmp_path / "out", *options)
    assert (code, "0.png is damaged" in said) == (1, True)
    path.write_bytes(content[:300])
    with pytest.raises(DataError, match=r"hq\.zip: cannot be read as a zip file"):
        run("celeba-hq", path, "-o", tmp_path / "out", *options)
