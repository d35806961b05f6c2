"""A deblurrer that does no work, and what the tests of ``snadnet deblur`` share."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

import snadnet
from snadnet.blur import Consistency
from snadnet.cli.deblur import command as module
from snadnet.deblurrer import Restoration, RestoredFace, SkippedFace
from snadnet.errors import PhotoError
from snadnet.faces import EstimatedBlur

app = typer.Typer()
app.command()(module.deblur)

BOX = (0.0, 0.0, 8.0, 8.0)
LANDMARKS = ((2.0, 2.0), (5.0, 2.0), (3.5, 4.0), (2.0, 6.0), (5.0, 6.0))
KERNEL = np.array([[0, 0, 0], [0.25, 0.5, 0.25], [0, 0, 0]], np.float32)
UNEXPLAINED = EstimatedBlur(KERNEL, 2.5, 0.0, Consistency(0.05, 0.03))


class FakeDeblurrer:
    """Inverts photos; the red value of the first pixel says what "is found" in one, and 50 that it is unexplained."""

    made: list[dict] = []  # noqa: RUF012 - reset by the fixture
    calls: list[tuple] = []  # noqa: RUF012

    network = SimpleNamespace(model="mprnet")

    def __init__(self, **options):
        self.made.append(options)

    def restore(self, photo, *, strength, choice):
        self.calls.append((photo.path.name if photo.path else None, strength, choice))
        restored, *small = FOUND[int(photo.pixels[0, 0, 0])]
        blur = UNEXPLAINED if photo.pixels[0, 0, 0] == UNEXPLAINED_RED else None
        return restoration(photo, restored, small, blur)

    def restore_aligned(self, photo, *, strength):
        self.calls.append((photo.path.name, strength, "aligned"))
        if min(photo.pixels.shape[:2]) < 64:
            raise PhotoError(f"{photo.path}: is too small for a face crop; give at least 64 px")
        return restoration(photo, 1, [])


UNEXPLAINED_RED = 50

# First pixel's red -> number of restored faces, then the sizes of those too small.
FOUND = {0: (0,), 10: (1,), 20: (1, 18), 30: (2, 9, 9, 12), 40: (0, 18), UNEXPLAINED_RED: (1,)}


def restoration(photo, restored, small, blur=None):
    face = RestoredFace(
        box=BOX,
        landmarks=np.array(LANDMARKS, np.float32),
        confidence=0.9,
        parsing=np.zeros((256, 256), np.uint8),
        sharpness_before=1.0,
        sharpness_after=float("nan"),
        blur=blur,
    )
    skipped = tuple(SkippedFace(box=BOX, confidence=0.9, reason=f"too small ({size} px)") for size in small)
    return Restoration(photo.with_pixels(255 - photo.pixels), photo, (face,) * restored, skipped)


@pytest.fixture(autouse=True, name="fake")
def fake_deblurrer(monkeypatch, tmp_path):
    monkeypatch.setattr(FakeDeblurrer, "made", [])
    monkeypatch.setattr(FakeDeblurrer, "calls", [])
    monkeypatch.setattr("snadnet.deblurrer.Deblurrer", FakeDeblurrer)
    monkeypatch.chdir(tmp_path)
    return FakeDeblurrer


def photo(path, red=10, size=8, **options):
    pixels = np.random.default_rng(red).integers(0, 256, (size, size + 2, 3), dtype=np.uint8)
    pixels[0, 0] = red
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return pixels


def run(*arguments, stdin=None):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
    # Anything but a planned exit would be a traceback for the user.
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def command(*arguments):
    """The real command, to be run in a process of its own."""
    return [sys.executable, "-m", "snadnet", "deblur", *(str(argument) for argument in arguments)]


def environment():
    """That of the tests, with the code that they test, wherever a process starts."""
    return {**os.environ, "PYTHONPATH": str(Path(snadnet.__file__).parents[1])}


def run_process(*arguments, **options):
    return subprocess.run(command(*arguments), capture_output=True, check=False, env=environment(), **options)


def files(folder="."):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())


def photo_lines(result):
    """Standard output without the summary, whose seconds vary."""
    return [line for line in result.stdout.splitlines() if not re.match(r"\d+ photos?: ", line)]


def summary(result):
    """The last line of standard output without its seconds."""
    return re.sub(r" \(\d+\.\d s\)", "", result.stdout.splitlines()[-1])


def usage_words(result):
    """The usage message without the box that is drawn around it."""
    return re.sub(r"[^\w.,;:/(){}'*-]+", " ", result.stderr)
