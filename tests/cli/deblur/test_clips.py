"""``snadnet deblur`` on clips: telling them from photos, names, refusals, reports and exit codes."""

import json
import shutil
from pathlib import Path

import pytest

from snadnet.batch.inputs import find_photos
from snadnet.cli.deblur import clips as module
from snadnet.errors import VideoError
from snadnet.video import TrackedFace, VideoResult
from support.cli_fakes import fake_deblurrer, files, photo, run, usage_words  # noqa: F401

MP4 = b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41"
FACE = TrackedFace(1, 0.0, 1.5, 40, 38, 61.7, None, 5.25, 2.5)


@pytest.fixture
def asked(monkeypatch):
    """The calls of `deblur_video`, which writes the target; "bad" fails, "empty" has no face."""
    calls = []

    def fake(source, target, **options):
        calls.append((source.name, target, options))
        options["progress"](1, 40)
        if source.stem.endswith("bad"):
            raise VideoError(f"{source}: is damaged or cut short; copy it again from its source")
        if source.stem.endswith("empty"):
            return VideoResult(None, 40, 0, ())
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"result")
        return VideoResult(target, 40, 38, (FACE,), 0, 0, ("a note",))

    monkeypatch.setattr(module, "deblur_video", fake)
    return calls


def clip(path, content=MP4):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(content)


def test_a_clip_is_known_by_its_content_and_named_after_itself(asked):
    for name in ("walk.mp4", "run.MOV", "old.avi", "nameless", "photo.jpg"):
        clip(name)
    result = run("walk.mp4", "run.MOV", "old.avi", "nameless", "photo.jpg", "-o", "out")
    assert result.exit_code == 0
    assert files("out") == ["nameless.mp4", "old.mp4", "photo.jpg.mp4", "run.MOV", "walk.mp4"]
    assert "walk.mp4: 40 frames, 1 face: 1 restored in 38 frames -> out/walk.mp4 (a note)" in result.stdout
    assert "5 clips: 5 restored" in result.stdout
    assert [options["strength"] for _, _, options in asked] == [1.0] * 5


def test_a_clip_gets_the_name_that_is_given_or_one_beside_it(asked):
    clip("walk.mp4")
    assert run("walk.mp4", "-o", "sharp.mkv").exit_code == 0
    assert run("walk.mp4").exit_code == 0
    assert files() == ["sharp.mkv", "walk.mp4", "walk_deblurred.mp4"]


def test_options_reach_the_clip(asked):
    clip("walk.mp4")
    run(
        *("walk.mp4", "-o", "out.mp4", "--strength", "0.5", "--strip-metadata", "--max-frames", "9"),
        *("--max-clip-size", "2", "--max-pixels", "1"),
    )
    ((_, _, options),) = asked
    limits = options["limits"]
    assert (limits.max_file_bytes, limits.max_pixels, limits.max_frames) == (2_000_000, 1_000_000, 9)
    assert (options["strength"], options["strip_metadata"], options["overwrite"]) == (0.5, True, False)


def test_photos_and_clips_may_be_given_together(asked):
    photo("a.png")
    clip("b.mp4")
    result = run("a.png", "b.mp4", "-o", "out", "--json", "report.json")
    assert result.exit_code == 0
    assert files("out") == ["a.png", "b.mp4"]
    document = json.loads(Path("report.json").read_text())
    still, moving = document["photos"]
    assert still["clip"] is None
    assert moving["status"] == "restored"
    assert moving["faces"] == []
    assert moving["clip"]["frames"] == 40
    assert moving["clip"]["faces"][0]["flicker_after"] == 2.5
    assert "2 files: 2 restored" in result.stdout


def test_a_photo_that_is_called_a_clip_is_a_photo(asked):
    photo("real.png")
    shutil.move("real.png", "fake.mp4")
    assert run("fake.mp4", "-o", "out").exit_code == 0
    assert files("out") == ["fake.mp4.png"]
    assert asked == []


def test_clips_in_a_folder_are_left_out_and_said(asked):
    photo("in/a.png")
    clip("in/b.mp4")
    clip("in/sub/c.mov")
    clip("in/notes.ts", b"const x = 1")
    result = run("in", "-r", "-o", "out")
    assert result.exit_code == 0
    assert "2 clips in folders left out, such as in/b.mp4; name a clip to deblur it" in result.stderr
    assert files("out") == ["a.png"]
    assert run("in", "in/b.mp4", "-o", "again").exit_code == 0
    assert files("again") == ["a.png", "b.mp4"]
    assert [source.clip for source in find_photos([Path("in/*.mp4")]).sources] == [True]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-o", "out.jpg"), "names a photo, but walk.mp4 is a clip"),
        (("-o", "-"), "cannot go to a stream"),
        (("-o", "out", "--compare"), "is for photos, and walk.mp4 is a clip"),
        (("-o", "out", "--save-faces", "faces"), "is for photos, and walk.mp4 is a clip"),
        (("-o", "out", "--save-kernels", "kernels"), "is for photos, and walk.mp4 is a clip"),
        (("-o", "out", "--face", "largest"), "chooses in a photo, and walk.mp4 is a clip"),
        (("-o", "out", "--aligned"), "chooses in a photo, and walk.mp4 is a clip"),
        (("-o", "walk.mp4", "--overwrite"), "is the input walk.mp4 itself"),
    ],
)
def test_what_means_nothing_for_a_clip_is_refused(asked, arguments, words):
    clip("walk.mp4")
    result = run("walk.mp4", *arguments)
    assert result.exit_code == 2
    assert words in usage_words(result)
    assert asked == []


def test_a_photo_cannot_become_a_clip(asked):
    photo("a.png")
    result = run("a.png", "-o", "out.mp4")
    assert result.exit_code == 2
    assert "out.mp4 names a clip, but the input is none" in usage_words(result)


def test_failures_and_clips_without_faces_have_the_exit_codes_of_photos(asked):
    for name in ("bad.mp4", "empty.mp4"):
        clip(name)
    result = run("bad.mp4", "empty.mp4", "-o", "out")
    assert result.exit_code == 1
    assert "bad.mp4: is damaged or cut short" in result.stderr
    assert "empty.mp4: 40 frames, no face found; nothing written" in result.stderr
    assert run("empty.mp4", "-o", "out", "--require-face").exit_code == 3


def test_existing_results_are_refused_or_skipped(asked):
    clip("walk.mp4")
    clip("out/walk.mp4", b"mine")
    result = run("walk.mp4", "-o", "out")
    assert result.exit_code == 1
    assert "out/walk.mp4: exists already" in result.stderr
    assert run("walk.mp4", "-o", "out", "--skip-existing").exit_code == 0
    assert asked == []


def test_without_the_extra_the_remedy_is_named(monkeypatch):
    monkeypatch.setattr("snadnet.video.find_spec", lambda name: None)
    clip("walk.mp4")
    result = run("walk.mp4", "-o", "out")
    assert result.exit_code == 1
    assert result.stderr == "walk.mp4: clips need one more package: pip install 'snadnet[video]'\n"
