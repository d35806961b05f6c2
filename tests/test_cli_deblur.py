import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image, ImageCms
from typer.testing import CliRunner

from snadnet.cli import deblur as module
from snadnet.deblurrer import MIN_FACE, Restoration, RestoredFace, SkippedFace
from snadnet.errors import PhotoError
from snadnet.faces import MIN_CONFIDENCE
from snadnet.photo import read_photo

app = typer.Typer()
app.command()(module.deblur)

BOX = (0.0, 0.0, 8.0, 8.0)


class FakeDeblurrer:
    """Inverts photos; the red value of the first pixel says what "is found" in one."""

    made: list[dict] = []  # noqa: RUF012 - reset by the fixture
    calls: list[tuple] = []  # noqa: RUF012

    def __init__(self, **options):
        self.made.append(options)

    def restore(self, photo, *, strength=1.0):
        self.calls.append(("restore", photo.path.name, strength))
        restored, *small = FOUND[int(photo.pixels[0, 0, 0])]
        return restoration(photo, restored, small)

    def restore_aligned(self, photo, *, strength=1.0):
        self.calls.append(("restore_aligned", photo.path.name, strength))
        if min(photo.pixels.shape[:2]) < 64:
            raise PhotoError(f"{photo.path}: is too small for a face crop; give at least 64 px")
        return restoration(photo, 1, [])


# First pixel's red -> number of restored faces, then the sizes of those too small.
FOUND = {0: (0,), 10: (1,), 20: (1, 18), 30: (2, 9, 9, 12), 40: (0, 18)}


def restoration(photo, restored, small):
    face = RestoredFace(
        box=BOX,
        landmarks=np.zeros((5, 2), np.float32),
        confidence=0.9,
        parsing=np.zeros((256, 256), np.uint8),
        sharpness_before=1.0,
        sharpness_after=2.0,
    )
    skipped = tuple(SkippedFace(box=BOX, confidence=0.9, reason=f"too small ({size} px)") for size in small)
    return Restoration(photo.with_pixels(255 - photo.pixels), photo, (face,) * restored, skipped)


@pytest.fixture(autouse=True)
def fake(monkeypatch, tmp_path):
    monkeypatch.setattr(FakeDeblurrer, "made", [])
    monkeypatch.setattr(FakeDeblurrer, "calls", [])
    monkeypatch.setattr(module, "Deblurrer", FakeDeblurrer)
    monkeypatch.chdir(tmp_path)
    return FakeDeblurrer


def photo(path, red=10, size=8, **options):
    pixels = np.random.default_rng(red).integers(0, 256, (size, size + 2, 3), dtype=np.uint8)
    pixels[0, 0] = red
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return pixels


def run(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    # Anything but a planned exit would be a traceback for the user.
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def files(folder="."):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())


def usage_words(result):
    """The usage message without the box that is drawn around it."""
    return re.sub(r"[^\w.,;:/()-]+", " ", result.stderr)


def test_one_photo_to_one_file():
    pixels = photo("a.png", red=20)
    result = run("a.png", "-o", "b.png")
    assert result.stdout == "a.png: 2 faces: 1 restored, 1 too small (18 px) -> b.png\n"
    assert (result.exit_code, result.stderr) == (0, "")
    assert np.array_equal(read_photo("b.png").pixels, 255 - pixels)
    assert files() == ["a.png", "b.png"]


def test_the_output_file_says_the_format():
    photo("a.png")
    assert run("a.png", "-o", "new/b.JPG").exit_code == 0
    assert read_photo("new/b.JPG").format == "JPEG"


def test_photos_to_a_folder_that_is_made():
    photo("a.png")
    photo("in/b.JPG", red=10, quality=100, subsampling=0)
    result = run("a.png", "in/b.JPG", "-o", "x/y")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "a.png: 1 face: 1 restored -> x/y/a.png",
        "in/b.JPG: 1 face: 1 restored -> x/y/b.JPG",
    ]
    assert files("x/y") == ["a.png", "b.JPG"]


def test_equal_reasons_are_counted():
    photo("a.png", red=30)
    line = "a.png: 5 faces: 2 restored, 2 too small (9 px), 1 too small (12 px) -> o/a.png\n"
    assert run("a.png", "-o", "o").stdout == line


def test_lines_are_whole_however_long_the_names():
    folder = "a folder with a rather long name [red] and spaces " * 3
    photo(f"{folder}/a.png")
    result = run(folder, "-o", "o")
    assert result.stdout == f"{folder}/a.png: 1 face: 1 restored -> o/a.png\n"


def test_a_folder_stands_for_its_photos_in_any_letter_case():
    for name in ("c.png", "A.PNG", "b.Png"):
        photo(f"in/{name}", format="PNG")
    photo("in/sub/d.png")
    photo("in/._c.png")
    Path("in/notes.txt").write_text("no photo")
    result = run("in", "-o", "out")
    assert result.exit_code == 0
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == ["in/A.PNG", "in/b.Png", "in/c.png"]
    assert files("out") == ["A.PNG", "b.Png", "c.png"]


def test_a_named_file_is_read_by_its_content():
    pixels = photo("scan.dat", format="PNG")
    photo("b.jpg", format="PNG")
    result = run("scan.dat", "b.jpg", "-o", "o")
    assert result.exit_code == 0
    assert np.array_equal(read_photo("o/scan.dat.png").pixels, 255 - pixels)
    assert read_photo("o/b.jpg").format == "JPEG"


def test_a_file_named_twice_is_done_once(fake):
    photo("in/a.png")
    assert run("in/a.png", "in", "./in/a.png", "-o", "o").exit_code == 0
    assert len(fake.calls) == 1


def test_a_bad_file_does_not_stop_the_batch():
    photo("a.png")
    Path("b.png").write_text("text")
    photo("d.png")
    result = run("a.png", "b.png", "missing.png", "d.png", "-o", "o")
    assert result.exit_code == 1
    assert files("o") == ["a.png", "d.png"]
    assert len(result.stdout.splitlines()) == 2
    first, second = result.stderr.splitlines()
    assert first.startswith("b.png: is not a photo that can be read")
    assert second == "missing.png: no such file; check the path"


def test_a_folder_without_photos_is_told_and_the_rest_done():
    Path("empty").mkdir()
    photo("a.png")
    result = run("empty", "a.png", "-o", "o")
    assert result.exit_code == 1
    assert result.stderr.startswith("empty: no photos in this folder")
    assert files("o") == ["a.png"]


def test_an_empty_folder_alone_needs_no_network(fake):
    Path("empty").mkdir()
    result = run("empty", "-o", "o")
    assert (result.exit_code, fake.made, files()) == (1, [], [])


@pytest.mark.parametrize(
    ("red", "line"),
    [
        (0, "a.png: no face found; nothing written (for a picture that is just a face, use --aligned)\n"),
        (40, "a.png: 1 face: 1 too small (18 px); nothing written\n"),
    ],
)
def test_without_a_restored_face_nothing_is_written(red, line):
    photo("a.png", red=red)
    result = run("a.png", "-o", "b.png", "--compare")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", line)
    assert files() == ["a.png"]


def test_compare_writes_before_and_after_side_by_side():
    pixels = photo("a.jpg", quality=100, subsampling=0)
    before = read_photo("a.jpg").pixels
    result = run("a.jpg", "-o", "o", "--compare")
    assert result.stdout == "a.jpg: 1 face: 1 restored -> o/a.jpg and o/a_compare.png\n"
    joined = read_photo("o/a_compare.png").pixels
    height, width, _ = pixels.shape
    assert joined.shape == (height, 2 * width, 3)
    assert np.array_equal(joined[:, :width], before)
    assert np.array_equal(joined[:, width:], 255 - before)


def test_compare_keeps_the_profile_and_leaves_transparency_out():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.fromarray(np.full((8, 8, 4), 10, np.uint8))
    image.save("a.png", icc_profile=profile)
    run("a.png", "-o", "o", "--compare")
    joined = read_photo("o/a_compare.png")
    assert joined.icc_profile == profile
    assert joined.alpha is None
    assert np.all(read_photo("o/a.png").alpha == 10)


def test_aligned_takes_each_input_as_a_face(fake):
    photo("a.png", size=64)
    photo("b.png", size=40)
    result = run("a.png", "b.png", "-o", "o", "--aligned", "--strength", "0.5")
    assert result.exit_code == 1
    assert result.stdout == "a.png: 1 face: 1 restored -> o/a.png\n"
    assert result.stderr == "b.png: is too small for a face crop; give at least 64 px\n"
    assert fake.calls == [("restore_aligned", "a.png", 0.5), ("restore_aligned", "b.png", 0.5)]


def test_options_reach_the_deblurrer(fake):
    photo("a.png")
    run("a.png", "-o", "1")
    run(
        "a.png",
        "-o",
        "2",
        "--device",
        "cpu",
        "--weights",
        "w.onnx",
        "--min-face",
        "40",
        "--min-confidence",
        "0.5",
    )
    assert fake.made == [
        {"weights": None, "device": "auto", "min_face": MIN_FACE, "min_confidence": MIN_CONFIDENCE},
        {"weights": Path("w.onnx"), "device": "cpu", "min_face": 40, "min_confidence": 0.5},
    ]
    assert fake.calls == [("restore", "a.png", 1.0)] * 2


def test_existing_results_are_kept_and_the_work_spared(fake):
    photo("a.png")
    photo("b.png")
    photo("o/a.png", red=10)
    old = Path("o/a.png").read_bytes()
    result = run("a.png", "b.png", "-o", "o")
    assert result.exit_code == 1
    assert result.stderr == "o/a.png: exists already; choose another name or pass --overwrite\n"
    assert Path("o/a.png").read_bytes() == old
    assert fake.calls == [("restore", "b.png", 1.0)]
    assert run("a.png", "b.png", "-o", "o", "--overwrite").exit_code == 0
    assert Path("o/a.png").read_bytes() != old


def test_an_existing_comparison_keeps_both_from_being_written():
    photo("a.png")
    photo("o/a_compare.png")
    assert run("a.png", "-o", "o", "--compare").exit_code == 1
    assert files("o") == ["a_compare.png"]


def test_a_failing_write_leaves_nothing(monkeypatch):
    photo("a.png")

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    result = run("a.png", "-o", "o")
    assert result.exit_code == 1
    assert "No space left on device" in result.stderr
    assert files() == ["a.png"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("a.png", "-o", "a.png"),
        ("a.png", "-o", "."),
        ("in", "-o", "in"),
        ("in/c.png", "-o", "link"),
        # The comparison of one would be another.
        ("in", "in/c.png", "a.png", "-o", "out/../in", "--compare"),
        ("b.png", "-o", "b_link.png"),
    ],
)
def test_an_input_is_never_an_output_even_with_overwrite(fake, arguments):
    for name in ("a.png", "b.png", "in/c.png"):
        photo(name)
    Path("link").symlink_to("in")
    Path("b_link.png").symlink_to("b.png")
    before = {name: Path(name).read_bytes() for name in files()}
    result = run(*arguments, "--overwrite")
    assert result.exit_code == 2
    assert "itself; choose another place" in usage_words(result)
    assert {name: Path(name).read_bytes() for name in files()} == before
    assert fake.made == []


@pytest.mark.parametrize(
    ("names", "options"),
    [
        (("1/a.png", "2/a.png"), ()),
        (("1/a.png", "2/a.jpg"), ("--compare",)),
        (("1/a.png", "2/a_compare.png"), ("--compare",)),
        (("1/a.dat", "2/a.dat.png"), ()),
    ],
)
def test_two_inputs_with_one_output_are_refused_before_any_work(fake, names, options):
    for name in names:
        photo(name, format="PNG")
    result = run(*names, "-o", "o", *options, "--overwrite")
    assert result.exit_code == 2
    assert "would both be written to o/a" in usage_words(result)
    assert fake.made == []
    assert not Path("o").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("a.png",), "Missing option"),
        (("-o", "o"), "Missing argument"),
        (("a.png", "-o", "o", "--strength", "1.5"), "--strength"),
        (("a.png", "-o", "o", "--strength", "nan"), "--strength"),
        (("a.png", "-o", "o", "--min-confidence", "nan"), "--min-confidence"),
        (("a.png", "-o", "o", "--min-face", "0"), "--min-face"),
        (("a.png", "-o", "o", "--device", "tpu"), "--device"),
        (("a.png", "b.png", "-o", "o.png"), "name a folder"),
        (("in", "-o", "o.png"), "name a folder"),
        (("a.png", "b.png", "-o", "a_file"), "a_file is a file"),
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


@pytest.mark.parametrize("option", ["strength", "min_confidence"])
def test_nan_is_refused_also_where_the_parser_lets_it_pass(option):
    with pytest.raises(typer.BadParameter, match="must be a number from 0 to 1"):
        module.deblur([Path("a.png")], out=Path("o"), **{option: float("nan")})


def test_unprintable_names_stay_on_one_line():
    photo("a\n\x1b[31mb.png")
    result = run("a\n\x1b[31mb.png", "-o", "o")
    assert result.stdout == r"a\n\x1b[31mb.png: 1 face: 1 restored -> o/a\n\x1b[31mb.png" + "\n"


def test_many_photos_in_a_pipe_show_no_progress_bar():
    for number in range(3):
        photo(f"in/{number}.png")
    result = run("in", "-o", "o")
    assert len(result.stdout.splitlines()) == 3
    assert result.stderr == ""


def test_a_terminal_shows_progress_and_whole_lines(monkeypatch, capsys):
    for number in range(3):
        photo(f"in/{'long' * 40}{number}.png")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    module.deblur([Path("in")], out=Path("o"))
    shown = capsys.readouterr().out
    assert "Deblurring" in shown
    for number in range(3):
        name = f"{'long' * 40}{number}.png"
        # The bar's line is erased before the photo's line takes its place.
        assert f"\x1b[2Kin/{name}: 1 face: 1 restored -> o/{name}\n" in shown


def test_help_says_what_the_result_is_not():
    result = run("--help")
    assert result.exit_code == 0
    assert "not evidence" in result.stdout


def test_the_verb_does_not_load_torch():
    code = "import sys, snadnet.cli.deblur; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
