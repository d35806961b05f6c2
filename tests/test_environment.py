import sys
from importlib.metadata import version

from snadnet.environment import run_header


def test_the_header_repeats_the_command_line_as_it_can_be_typed(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["benchmarks/x.py", "--faces", "my faces", "--last", "3"])
    lines = run_header(["numpy"]).splitlines()
    assert lines[0] == "$ python benchmarks/x.py --faces 'my faces' --last 3"
    assert "cores" in lines[1]
    assert f"numpy {version('numpy')}" in lines[2]


def test_the_header_of_the_command_itself_can_be_typed_too(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/snadnet", "evaluate", "blurred"])
    assert run_header(["numpy"]).splitlines()[0] == "$ snadnet evaluate blurred"
