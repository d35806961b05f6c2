"""Nothing is reported of what runs here: ONNX Runtime's telemetry is off before it starts."""

import os
import subprocess
import sys

SCRIPT = """
import sys
import numpy as np
from snadnet import Deblurrer

print(Deblurrer(weights=sys.argv[1]).restore_aligned(np.zeros((64, 64, 3), np.uint8)).summary)
"""


def test_nothing_is_kept_to_be_reported(tiny_network, tmp_path):
    # ONNX Runtime reports nothing where it thinks it is tested; and it keeps its reports in the user's cache.
    silent = ("CI", "ORT_", "XDG_", "GITHUB_", "TF_BUILD", "HOME", "PYTEST")
    home = tmp_path / "home"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(silent)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tiny_network)],
        env={
            **environment,
            "HOME": str(home),
            "SNADNET_CACHE": "off",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("1 face: 1 restored\n", "", 0)
    assert list(home.rglob("*")) == []
