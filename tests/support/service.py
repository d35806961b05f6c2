"""``snadnet serve`` as a process of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import snadnet


@contextmanager
def running_service(*options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Start the service on a free port; yields its address and the process, and ends it by SIGTERM."""
    environment = {**os.environ, "PYTHONPATH": str(Path(snadnet.__file__).parents[1])}
    command = [sys.executable, "-m", "snadnet", "serve", "--port", "0", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    try:
        seen = []
        for line in process.stderr:
            seen.append(line)
            found = re.search(r"http://\S+/", line)
            if found:
                yield found.group(), process
                return
        raise AssertionError(f"the service did not start: {''.join(seen)}")
    finally:
        process.terminate()
        try:
            process.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
