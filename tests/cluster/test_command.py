"""What ``snadnet deblur`` refuses of a cluster, in one line, before Ray is started."""

from pathlib import Path

import pytest

from snadnet.cluster import deblur_photos, extra
from snadnet.errors import ConfigError
from support.cli_fakes import (
    fake_deblurrer,  # noqa: F401
    files,
    photo,
    run,
    usage_words,
)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--address", "auto", "-o", "out"], "--address: is the address of a Ray cluster; add --engine ray"),
        (["-o", "s3://bucket/out"], "s3://bucket/out is a URL; add --engine ray, or name a folder"),
        (["-o", "out", "--save-kernels", "s3://bucket/k"], "s3://bucket/k is a URL; add --engine ray"),
        (["--workers", 65, "-o", "out"], "more than 64 need --engine ray"),
        (["--engine", "ray"], "a cluster writes files into a folder; name one, such as -o out"),
        (["--engine", "ray", "-o", "-"], "a cluster writes files into a folder"),
    ],
)
def test_what_contradicts_itself_is_refused(arguments, words):
    if "ray" in arguments:
        pytest.importorskip("pyarrow", reason="needs snadnet[cluster]")
    photo("a.png")
    result = run("a.png", *arguments)
    assert result.exit_code == 2
    assert words in " ".join(usage_words(result).split())
    assert files() == ["a.png"]


@pytest.mark.parametrize("output", ["out", "out.mp4"])
def test_clips_are_refused(output):
    pytest.importorskip("pyarrow", reason="needs snadnet[cluster]")
    Path("walk.mp4").write_bytes(b"\0\0\0\x20ftypisom")
    result = run("walk.mp4", "-o", output, "--engine", "ray")
    assert result.exit_code == 2
    assert "walk.mp4 is a clip, and a cluster takes photos only" in usage_words(result)
    assert files() == ["walk.mp4"]


def test_without_its_packages_the_remedy_is_named(monkeypatch):
    monkeypatch.setattr(extra, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'snadnet\[cluster\]'"):
        next(deblur_photos(["a.png"], "out"))
