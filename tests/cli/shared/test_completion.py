"""Shell completion of names and files."""

from pathlib import Path

from snadnet.cli.shared.completion import complete_configs, complete_parsers, complete_weights


def test_released_weights_are_offered_by_name():
    assert complete_weights("")[:3] == ["fidelity", "natural", "snadnet-small"]
    assert complete_weights("snadnet-small-") == [
        f"snadnet-small-{end}" for end in ("full", "large", "natural", "twice")
    ]
    assert complete_weights("nat") == ["natural"]
    assert complete_weights("./w") == []
    assert complete_parsers("") == ["bisenet-small-sharp"]


def test_configurations_are_offered_with_the_folders_on_the_way(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("configs/a.yaml", "configs/snadnet/b.yml", "configs/notes.txt", "c.yaml", ".hidden/d.yaml"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    assert complete_configs("") == ["c.yaml", "configs/"]
    assert complete_configs("configs/") == ["configs/a.yaml", "configs/snadnet/"]
    assert complete_configs("configs/snadnet/b") == ["configs/snadnet/b.yml"]
    assert complete_configs("none/x") == []
