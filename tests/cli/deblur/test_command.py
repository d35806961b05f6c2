"""``snadnet deblur``: one photo, its options and its files."""

import subprocess
import sys
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
import typer
from PIL import Image, ImageCms

from snadnet.batch import work
from snadnet.deblurrer import MAX_FACES, MIN_FACE
from snadnet.faces import MIN_CONFIDENCE, AllFaces, FaceBox, FaceNumber, LargestFace
from snadnet.photo import read_photo
from support.cli_fakes import environment, fake_deblurrer, files, module, photo, photo_lines, run, usage_words  # noqa: F401


def test_one_photo_to_one_file():
    pixels = photo("a.png", red=20)
    result = run("a.png", "-o", "b.png")
    assert result.stdout == "a.png: 2 faces: 1 restored, 1 too small (18 px) -> b.png\n"
    assert (result.exit_code, result.stderr) == (0, "")
    assert np.array_equal(read_photo("b.png").pixels, 255 - pixels)
    assert files() == ["a.png", "b.png"]


def test_without_an_output_the_result_lies_beside_the_photo():
    pixels = photo("in/a.png")
    photo("b.PNG", format="PNG")
    result = run("in/a.png", "b.PNG", "--compare")
    assert photo_lines(result) == [
        "in/a.png: 1 face: 1 restored -> in/a_deblurred.png and in/a_deblurred_compare.png",
        "b.PNG: 1 face: 1 restored -> b_deblurred.PNG and b_deblurred_compare.png",
    ]
    assert result.exit_code == 0
    assert np.array_equal(read_photo("in/a.png").pixels, pixels)
    assert np.array_equal(read_photo("in/a_deblurred.png").pixels, 255 - pixels)


def test_without_an_output_nothing_is_replaced():
    photo("a.png")
    old = photo("a_deblurred.png", red=20)
    result = run("a.png")
    assert (result.exit_code, result.stderr) == (
        1,
        "a_deblurred.png: exists already; choose another name or pass --overwrite\n",
    )
    assert np.array_equal(read_photo("a_deblurred.png").pixels, old)
    # An input is replaced not even when asked to.
    assert run("a.png", "a_deblurred.png", "--overwrite").exit_code == 2
    assert run("a.png", "--name", "{stem}{suffix}", "--overwrite").exit_code == 2
    assert np.array_equal(read_photo("a_deblurred.png").pixels, old)


def test_without_an_output_the_name_is_free_to_choose():
    photo("a.png")
    assert run("a.png", "--name", "sharp_{stem}.jpg").exit_code == 0
    assert files() == ["a.png", "sharp_a.jpg"]


def test_a_folder_may_be_called_like_a_format():
    photo("a.png")
    Path("o.gif").mkdir()
    assert run("a.png", "-o", "o.gif").exit_code == 0
    assert files("o.gif") == ["a.png"]


def test_the_output_file_says_the_format():
    photo("a.png")
    assert run("a.png", "-o", "new/b.JPG").exit_code == 0
    assert read_photo("new/b.JPG").format == "JPEG"


def test_what_the_user_should_know_stands_behind_the_result():
    photo("a.png")
    assert run("a.png", "-o", "b.jpg").stdout == "a.png: 1 face: 1 restored -> b.jpg (JPEG quality 95, 4:4:4)\n"


def test_equal_reasons_are_counted():
    photo("a.png", red=30)
    line = "a.png: 5 faces: 2 restored, 2 too small (9 px), 1 too small (12 px) -> o/a.png\n"
    assert run("a.png", "-o", "o").stdout == line


@pytest.mark.parametrize(
    ("red", "line"),
    [
        (0, "a.png: no face found; nothing written (for a photo that is just a face, use --aligned)\n"),
        (40, "a.png: 1 face: 1 too small (18 px); nothing written\n"),
    ],
)
def test_without_a_restored_face_nothing_is_written(red, line):
    photo("a.png", red=red)
    result = run("a.png", "-o", "b.png", "--compare", "--save-faces", "faces")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", line)
    assert files() == ["a.png"]
    assert run("a.png", "-o", "b.png", "--require-face").exit_code == 3


def test_compare_writes_before_and_after_side_by_side():
    pixels = photo("a.png")
    result = run("a.png", "-o", "o", "--compare")
    assert result.stdout == "a.png: 1 face: 1 restored -> o/a.png and o/a_compare.png\n"
    joined = read_photo("o/a_compare.png").pixels
    height, width, _ = pixels.shape
    assert joined.shape == (height, 2 * width, 3)
    assert np.array_equal(joined[:, :width], pixels)
    assert np.array_equal(joined[:, width:], 255 - pixels)


def test_compare_keeps_the_profile_and_leaves_transparency_out():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.fromarray(np.full((8, 8, 4), 10, np.uint8))
    image.save("a.png", icc_profile=profile)
    run("a.png", "-o", "o", "--compare")
    joined = read_photo("o/a_compare.png")
    assert joined.icc_profile == profile
    assert joined.alpha is None
    assert np.all(read_photo("o/a.png").alpha == 10)


def test_strip_metadata_leaves_it_out_of_all_files():
    exif = Image.Exif()
    exif[0x010F] = "A maker"
    photo("a.png", exif=exif, dpi=(300, 300))
    assert run("a.png", "-o", "kept").exit_code == 0
    assert run("a.png", "-o", "o", "--compare", "--strip-metadata").exit_code == 0
    assert read_photo("kept/a.png").exif
    assert files("o") == ["a.png", "a_compare.png"]
    for name in files("o"):
        stripped = read_photo(f"o/{name}")
        assert (stripped.exif, stripped.dpi) == (None, None)


def test_boxes_and_faces_are_pictures_of_their_own(monkeypatch):
    monkeypatch.setattr(work, "draw_boxes", lambda result: result.original)
    monkeypatch.setattr(work, "face_images", lambda result: [(result.original, result.photo)] * len(result.faces))
    pixels = photo("in/sub/a.png", red=30)
    result = run("in", "-r", "-o", "o", "--draw-boxes", "--save-faces", "f")
    assert result.exit_code == 0
    assert files("o") == ["sub/a.png", "sub/a_boxes.png"]
    assert files("f") == [f"sub/a_face{n}_{when}.png" for n in (1, 2) for when in ("after", "before")]
    assert np.array_equal(read_photo("f/sub/a_face2_before.png").pixels, pixels)
    assert np.array_equal(read_photo("f/sub/a_face2_after.png").pixels, 255 - pixels)


def test_save_kernels_writes_the_kernel_of_each_face_that_has_one():
    photo("in/sub/a.png", red=50)
    photo("in/b.png")
    assert run("in", "-r", "-o", "o", "--save-kernels", "k").exit_code == 0
    assert files("k") == ["sub/a_face1_kernel.png"]
    kernel = read_photo("k/sub/a_face1_kernel.png")
    assert kernel.grey
    assert kernel.pixels.shape == (12, 12, 3)  # four pixels a pixel
    assert kernel.pixels[4:8, ::4, 0].tolist() == [[128, 255, 128]] * 4


def test_a_face_that_is_hardly_explained_is_told_of():
    photo("a.png", red=50)
    result = run("a.png", "-o", "b.png")
    assert result.stdout == (
        "a.png: 1 face: 1 restored -> b.png (the face hardly explains the blur: take its details as guesses)\n"
    )


def test_aligned_takes_each_input_as_a_face(fake):
    photo("a.png", size=64)
    photo("b.png", size=40)
    result = run("a.png", "b.png", "-o", "o", "--aligned", "--strength", "0.5", "--workers", "1")
    assert result.exit_code == 1
    assert photo_lines(result) == ["a.png: 1 face: 1 restored -> o/a.png"]
    assert result.stderr == "b.png: is too small for a face crop; give at least 64 px\n"
    assert fake.calls == [("a.png", 0.5, "aligned"), ("b.png", 0.5, "aligned")]


def test_options_reach_the_deblurrer(fake):
    photo("a.png")
    run("a.png", "-o", "1")
    run(
        *("a.png", "-o", "2", "--device", "cpu", "--model", "mprnet", "--weights", "w.onnx"),
        *("--min-face", "40", "--min-confidence", "0.5", "--max-faces", "3", "--max-crop", "256", "--effort", "2"),
        *("--light", "linear"),
    )
    defaults = {
        "min_face": MIN_FACE,
        "min_confidence": MIN_CONFIDENCE,
        "max_faces": MAX_FACES,
        "max_crop": 512,
        "effort": 1,
        "light": "auto",
    }
    given = {"min_face": 40, "min_confidence": 0.5, "max_faces": 3, "max_crop": 256, "effort": 2, "light": "linear"}
    assert fake.made == [
        {"weights": None, "device": "auto", **defaults},
        {"weights": "w.onnx", "device": "cpu", **given},
    ]
    assert fake.calls == [("a.png", 1.0, AllFaces())] * 2


@pytest.mark.parametrize(
    ("options", "choice"),
    [
        (("--face", "all"), AllFaces()),
        (("--face", "largest"), LargestFace()),
        (("--face", "2"), FaceNumber(2)),
        (("--box", "1,2,30.5,40"), FaceBox(1, 2, 30.5, 40)),
    ],
)
def test_a_face_is_chosen(fake, options, choice):
    photo("a.png")
    assert run("a.png", "-o", "o", *options).exit_code == 0
    assert fake.calls == [("a.png", 1.0, choice)]


@pytest.mark.parametrize("option", ["--max-pixels", "--max-file-size"])
def test_limits_are_options(option):
    photo("a.png", size=8)
    result = run("a.png", "-o", "o", option, "0.00005")
    assert result.exit_code == 1
    assert "more than the limit" in result.stderr
    assert files() == ["a.png"]
    assert run("a.png", "-o", "o", option, "1").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("in",), "need a folder; name one"),
        (("*.png",), "need a folder; name one"),
        (("a.png", "-o", "x.gif"), "GIF cannot be written; end the name with one of .jpg"),
        (("a.png", "-o", "x.HEIC"), "HEIC cannot be written"),
        (("in", "-o", "x.pdf"), "PDF cannot be written"),
        (("-o", "o"), "Missing argument"),
        (("a.png", "-o", "o", "--strength", "1.5"), "--strength"),
        (("a.png", "-o", "o", "--strength", "nan"), "--strength"),
        (("a.png", "-o", "o", "--min-confidence", "nan"), "--min-confidence"),
        (("a.png", "-o", "o", "--min-face", "0"), "--min-face"),
        (("a.png", "-o", "o", "--max-faces", "0"), "--max-faces"),
        (("a.png", "-o", "o", "--max-pixels", "0"), "--max-pixels"),
        (("a.png", "-o", "o", "--max-pixels", "nan"), "--max-pixels"),
        # Pixels where millions of them are asked for would lift the limit.
        (("a.png", "-o", "o", "--max-pixels", "50000000"), "--max-pixels"),
        (("a.png", "-o", "o", "--max-file-size", "inf"), "--max-file-size"),
        (("a.png", "-o", "o", "--workers", "0"), "--workers"),
        (("a.png", "-o", "o", "--device", "tpu"), "--device"),
        (("a.png", "-o", "o", "--face", "0"), "--face"),
        (("a.png", "-o", "o", "--face", "-1"), "--face"),
        (("a.png", "-o", "o", "--face", "²"), "--face"),
        (("a.png", "-o", "o", "--face", "9" * 5000), "--face"),
        (("a.png", "-o", "o", "--face", "1", "--box", "1,2,3,4"), "--face"),
        (("a.png", "-o", "o", "--face", "1", "--aligned"), "--face"),
        (("a.png", "-o", "o", "--box", "1,2,3"), "--box"),
        (("a.png", "-o", "o", "--box", "1,2,0,4"), "--box"),
        (("a.png", "-o", "o", "--box", "1,2,nan,4"), "--box"),
        (("a.png", "b.png", "-o", "o.png"), "name a folder"),
        (("in", "-o", "o.png"), "name a folder"),
        (("a.png", "b.png", "-o", "a_file"), "a_file is a file"),
        (("a.png", "-o", "o", "--save-faces", "a_file"), "a_file is a file"),
        (("a.png", "-o", "o", "--save-kernels", "a_file"), "a_file is a file"),
        (("a.png", "-o", "o.png", "--name", "{stem}.jpg"), "--name"),
    ],
)
def test_a_wrong_command_line_is_exit_code_2(fake, arguments, words):
    for name in ("a.png", "b.png", "in/c.png"):
        photo(name)
    Path("a_file").touch()
    before = files()
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in usage_words(result)
    assert (files(), fake.made, result.stdout) == (before, [], "")


@pytest.mark.parametrize("option", ["strength", "min_confidence", "max_pixels", "max_file_size"])
def test_nan_is_refused_also_where_the_parser_lets_it_pass(option):
    _, declared = get_args(get_type_hints(module.deblur, include_extras=True)[option])
    with pytest.raises(typer.BadParameter, match="must be a finite number"):
        declared.callback(float("nan"))


def test_unprintable_names_stay_on_one_line():
    photo("a\n\x1b[31mb.png")
    result = run("a\n\x1b[31mb.png", "-o", "o")
    assert result.stdout == r"a\n\x1b[31mb.png: 1 face: 1 restored -> o/a\n\x1b[31mb.png" + "\n"


def test_help_says_what_the_result_is_not():
    result = run("--help")
    assert result.exit_code == 0
    assert "not evidence" in result.stdout


def test_the_verb_does_not_load_torch():
    code = "import sys, snadnet.cli.deblur.command; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env=environment())
