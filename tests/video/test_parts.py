import json

import pytest

from snadnet.errors import VideoError
from snadnet.video.parts import FaceInFrame, PartRecord, PartsFolder

RUN = {"source": ["a", 1, 2]}
RECORD = PartRecord(
    2, 0.0, 0.5, 1, (FaceInFrame(0, 1, (1.0, 2.0, 3.0, 4.0), tuple(map(float, range(10))), None, 2.5, 1.5),)
)
PACKETS = [(0, 0, 10, True, b"abc"), (-7, -8, 0, False, b"")]


def test_parts_come_back_as_they_were_written(tmp_path):
    parts = PartsFolder(tmp_path / "out.mp4", RUN)
    assert parts.begin() == 0
    parts.write(0, RECORD, PACKETS)
    parts.write(1, RECORD, PACKETS[:1])
    again = PartsFolder(tmp_path / "out.mp4", RUN)
    assert again.begin() == 2
    assert again.record(0) == RECORD
    assert list(again.packets(2)) == PACKETS + PACKETS[:1]
    again.remove()
    assert list(tmp_path.iterdir()) == []


def test_parts_of_another_run_are_begun_again(tmp_path):
    parts = PartsFolder(tmp_path / "out.mp4", RUN)
    parts.begin()
    parts.write(0, RECORD, PACKETS)
    assert PartsFolder(tmp_path / "out.mp4", {**RUN, "strength": 0.5}).begin() == 0
    assert PartsFolder(tmp_path / "out.mp4", RUN).begin() == 0


def test_what_comes_after_a_missing_part_does_not_count(tmp_path):
    parts = PartsFolder(tmp_path / "out.mp4", RUN)
    parts.begin()
    parts.write(1, RECORD, PACKETS)
    assert parts.begin() == 0


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(VideoError, match=r"\.out\.mp4\.parts: cannot be written"):
        PartsFolder(tmp_path / "folder" / "out.mp4", RUN).begin()


def test_the_run_is_plain_json(tmp_path):
    parts = PartsFolder(tmp_path / "out.mp4", RUN)
    parts.begin()
    assert json.loads((parts.path / "run.json").read_text()) == RUN
