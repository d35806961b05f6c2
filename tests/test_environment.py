import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from snadnet.environment import peak_memory, resident_memory, reuse_freed_memory, run_header


def test_the_header_repeats_the_command_line_as_it_can_be_typed(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["benchmarks/x.py", "--faces", "my faces", "--last", "3"])
    lines = run_header(["numpy"]).splitlines()
    assert lines[0] == "$ python benchmarks/x.py --faces 'my faces' --last 3"
    assert "cores" in lines[1]
    assert f"numpy {version('numpy')}" in lines[2]


def test_the_header_of_the_command_itself_can_be_typed_too(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/snadnet", "evaluate", "blurred"])
    assert run_header(["numpy"]).splitlines()[0] == "$ snadnet evaluate blurred"
    monkeypatch.setattr(sys, "argv", ["/somewhere/snadnet/__main__.py", "evaluate", "blurred"])
    assert run_header(["numpy"]).splitlines()[0] == "$ python -m snadnet evaluate blurred"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells it of other processes")
def test_memory_is_that_of_the_process_asked_for():
    assert 1e6 < resident_memory() <= peak_memory()
    # Both within what the process may take or give back between two looks.
    assert resident_memory(os.getpid()) == pytest.approx(resident_memory(), rel=0.5)
    assert peak_memory(os.getpid()) >= resident_memory(os.getpid())
    assert resident_memory(2**30) is None
    assert peak_memory(2**30) is None


def test_freed_memory_is_shared_unless_the_user_has_settled_that(monkeypatch):
    monkeypatch.setenv("MALLOC_ARENA_MAX", "8")
    assert not reuse_freed_memory()
    monkeypatch.delenv("MALLOC_ARENA_MAX")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not reuse_freed_memory()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's own")
def test_freed_memory_is_shared_where_the_c_library_can():
    code = "from snadnet.environment import reuse_freed_memory; raise SystemExit(not reuse_freed_memory())"
    environment = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
