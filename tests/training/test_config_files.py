"""Configuration files that extend others."""

from pathlib import Path

import pytest

from snadnet.errors import ConfigError
from snadnet.training.config_files import read_settings


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_mappings_are_merged_deeply_and_lists_replaced(tmp_path: Path) -> None:
    write(tmp_path / "shared" / "blur.yaml", "data: {noise: {low: 0, high: 1}, sizes: [1, 2]}\nseed: 1\n")
    write(tmp_path / "shared" / "time.yaml", "extends: deep/base.yaml\nseed: 2\nsteps: 7\n")
    write(tmp_path / "shared" / "deep" / "base.yaml", "steps: 5\nwarmup: 3\ndata: {noise: {low: 9}}\n")
    text = "extends: [../shared/blur.yaml, ../shared/time.yaml]\ndata: {noise: {high: 4}, sizes: [3]}\n"
    path = write(tmp_path / "family" / "tiny.yaml", text)
    assert read_settings(path, ["data.noise.mean=8"]) == {
        "data": {"noise": {"low": 9, "high": 4, "mean": 8}, "sizes": [3]},
        "seed": 2,
        "steps": 7,
        "warmup": 3,
    }


def test_a_circle_is_refused_in_one_line(tmp_path: Path) -> None:
    for name, base in (("a", "b"), ("b", "c"), ("c", "b")):
        write(tmp_path / f"{name}.yaml", f"extends: {base}.yaml\n")
    with pytest.raises(ConfigError, match=r"b\.yaml extends c\.yaml extends b\.yaml") as caught:
        read_settings(tmp_path / "a.yaml")
    assert "\n" not in str(caught.value)


def test_a_file_may_be_extended_by_two_ways(tmp_path: Path) -> None:
    write(tmp_path / "base.yaml", "seed: 1\n")
    for name in ("a", "b"):
        write(tmp_path / f"{name}.yaml", f"extends: base.yaml\n{name}: 1\n")
    assert read_settings(write(tmp_path / "c.yaml", "extends: [a.yaml, b.yaml]\n")) == {"seed": 1, "a": 1, "b": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("extends: none.yaml\n", r"none\.yaml: cannot be read"),
        ("extends: {a: 1}\n", "extends: give the path"),
        ("extends: [3]\n", "extends: give the path"),
    ],
)
def test_what_cannot_be_extended_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_settings(write(tmp_path / "a.yaml", text))
