"""What every measurement states first: the command, the machine, and the versions."""

import os
import platform
import shlex
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path


def run_header(packages: Sequence[str]) -> str:
    """The command line, the processor, how busy it is, and the versions of what is measured.

    Args:
        packages: Distribution names whose versions matter, such as ``"torch"``.

    Returns:
        Three lines of text.
    """
    program = Path(sys.argv[0])
    command = [program.name] if program.name == "snadnet" else ["python", str(program)]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    return "\n".join(
        (
            f"$ {shlex.join([*command, *sys.argv[1:]])}",
            f"machine: {platform.machine()} {platform.system()}, {os.cpu_count()} cores, "
            f"load over the last minute {load:.2f}",
            f"versions: Python {platform.python_version()}, {versions}",
        )
    )
