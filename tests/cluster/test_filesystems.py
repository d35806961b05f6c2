"""Photos and results on other file systems: the rules of local files, without Ray."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from snadnet.batch.naming import Layout, plan
from snadnet.batch.options import DeblurOptions
from snadnet.batch.work import deblur_photo
from snadnet.concurrency import StopSignal
from snadnet.errors import ConfigError, OutputExistsError, PhotoError, UsageError
from snadnet.photo import Limits
from support.cli_fakes import FakeDeblurrer

fs = pytest.importorskip("pyarrow.fs", reason="needs snadnet[cluster]")
from snadnet.cluster.filesystems import ArrowStorage, inner_path, located, located_together  # noqa: E402


def png(red: int = 10) -> bytes:
    pixels = np.full((8, 10, 3), red, np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(params=["memory", "s3"])
def filesystem(request):
    """A file system with a few photos below ``bucket/in``."""
    if request.param == "memory":
        made = fs._MockFileSystem()
    else:
        address = request.getfixturevalue("s3")
        made = fs.S3FileSystem(endpoint_override=address, scheme="http", region="us-east-1")
    made.create_dir("bucket/in", recursive=True)
    made.delete_dir_contents("bucket")
    for path in ("in/b.png", "in/a.PNG", "in/sub/c.png", "in/.hidden.png", "in/x.gif", "in/out/d.png", "in/notes.txt"):
        folder = f"bucket/{path}".rpartition("/")[0]
        made.create_dir(folder, recursive=True)
        with made.open_output_stream(f"bucket/{path}") as file:
            file.write(png())
    return made


def test_a_folder_stands_for_the_photos_that_a_local_one_would(filesystem, tmp_path):
    _, folder = located("bucket/in", filesystem)
    storage = ArrowStorage(filesystem, filesystem)
    scheme = folder.parts[0]
    found = storage.find([folder], recursive=True, leave_out=[folder / "out"])
    assert [str(source.path) for source in found.sources] == [
        f"{scheme}/bucket/in/{name}" for name in ("a.PNG", "b.png", "sub/c.png")
    ]
    assert [path.name for path in found.unreadable] == ["x.gif"]
    assert [source.place for source in found.sources] == [Path(), Path(), Path("sub")]
    assert not found.problems
    assert len(storage.find([folder], recursive=False, leave_out=[]).sources) == 2
    (problem,) = storage.find([folder / "none"], recursive=False, leave_out=[]).problems
    assert problem.message.endswith("://bucket/in/none: no such file or folder; check the path")


def test_a_clip_is_known_by_its_content_and_refused(filesystem):
    storage = ArrowStorage(filesystem, filesystem)
    for name, content in (("photo.mp4", png()), ("walk.mp4", b"\0\0\0\x20ftypisom")):
        with filesystem.open_output_stream(f"bucket/in/{name}") as file:
            file.write(content)
    _, folder = located("bucket/in", filesystem)
    assert len(storage.find([folder / "photo.mp4"], recursive=False, leave_out=[]).sources) == 1
    with pytest.raises(UsageError, match=r"://bucket/in/walk\.mp4 is a clip, and a cluster takes photos only"):
        storage.find([folder / "walk.mp4"], recursive=False, leave_out=[])


def test_a_photo_goes_there_and_back_and_nothing_is_overwritten(filesystem):
    storage = ArrowStorage(filesystem, filesystem)
    _, folder = located("bucket/in", filesystem)
    _, out = located("bucket/new/out", filesystem)
    found = storage.find([folder], recursive=True, leave_out=[])
    jobs, _ = plan(found.sources, Layout(out=out))
    job = next(job for job in jobs if job.source.name == "c.png")
    record = deblur_photo(job, FakeDeblurrer(), DeblurOptions(), StopSignal(), storage)
    assert record.status == "restored", record.message
    assert record.source.endswith("://bucket/in/sub/c.png")
    with filesystem.open_input_file("bucket/new/out/sub/c.png") as file:
        written = file.read()
    assert np.all(np.asarray(Image.open(io.BytesIO(written))) == 245)
    assert storage.holds(job.target, written)
    assert not storage.holds(job.target, written + b"x")
    again = deblur_photo(job, FakeDeblurrer(), DeblurOptions(), StopSignal(), storage)
    assert (again.status, "exists already" in again.message) == ("failed", True)
    skipped = deblur_photo(job, FakeDeblurrer(), DeblurOptions(skip_existing=True), StopSignal(), storage)
    assert skipped.status == "skipped"
    files = filesystem.get_file_info(fs.FileSelector("bucket/new", recursive=True))
    assert [info.path for info in files if info.type == fs.FileType.File] == ["bucket/new/out/sub/c.png"]


def test_what_an_earlier_attempt_has_written_counts_as_written_only_if_the_bytes_are_the_same(filesystem):
    storage = ArrowStorage(filesystem, filesystem)
    _, source = located("bucket/in/b.png", filesystem)
    _, out = located("bucket/out", filesystem)
    (job,), _ = plan(storage.find([source], recursive=False, leave_out=[]).sources, Layout(out=out))
    begun = DeblurOptions(begun_before=True)
    assert deblur_photo(job, FakeDeblurrer(), DeblurOptions(), StopSignal(), storage).status == "restored"
    assert deblur_photo(job, FakeDeblurrer(), begun, StopSignal(), storage).status == "restored"
    storage.write(b"another's", job.target, overwrite=True)
    assert deblur_photo(job, FakeDeblurrer(), begun, StopSignal(), storage).status == "failed"
    assert storage.holds(job.target, b"another's")
    with pytest.raises(OutputExistsError, match="exists already"):
        storage.write(b"mine", job.target, overwrite=False)


def test_limits_hold_before_all_of_a_file_is_read(filesystem):
    storage = ArrowStorage(filesystem, filesystem)
    with pytest.raises(PhotoError, match="limit"):
        storage.read(located("bucket/in/a.PNG", filesystem)[1], Limits(max_file_bytes=20))
    with pytest.raises(PhotoError, match="no such file"):
        storage.read(located("bucket/in/none.png", filesystem)[1], Limits())


def test_a_url_is_taken_apart_and_its_keys_are_shown_to_nobody():
    filesystem, path = located(Path("s3://me:secret@bucket/in/?endpoint_override=127.0.0.1:1&scheme=http&region=eu"))
    assert filesystem is not None
    assert filesystem.type_name == "s3"
    assert str(path) == "s3:/bucket/in"
    assert inner_path(filesystem, path / "a.png") == "bucket/in/a.png"
    assert located("photos/a.png") == (None, Path("photos/a.png"))
    with pytest.raises(ConfigError) as caught:
        located("ftp://me:secret@host/in?key=hidden")
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_photos_of_two_file_systems_are_refused():
    with pytest.raises(UsageError, match="several file systems"):
        located_together(["a.png", "s3://bucket/a.png?region=eu"], None, argument="PHOTO")
