"""Cost of the runtime: seconds to parse and restore a 256 px crop, and the peak memory of a whole photo.

Example: ``python benchmarks/runtime_cost.py --wait-idle 10``
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import skimage.data
import typer
from PIL import Image

from fresh_process import restore_in_fresh_process
from snadnet.environment import run_header
from snadnet.errors import SnadnetError
from snadnet.faces import CROP_SIZE
from snadnet.inference import OnnxBackend, resolve_weights

IDLE_LOAD = 0.3
WARM_UP_RUNS = 3


def main(
    *,
    weights: Annotated[Path | None, typer.Option(help="An ONNX file; else the released one.")] = None,
    photo: Annotated[Path | None, typer.Option(help="Photo for the memory figure; else an astronaut's.")] = None,
    runs: Annotated[int, typer.Option(min=1, help="Timed runs.")] = 20,
    wait_idle: Annotated[float, typer.Option(min=0, help="Minutes to wait at most for idle cores.")] = 0.0,
) -> None:
    """Print both figures; the time is the median of warm runs on the CPU."""
    path = resolve_weights(weights)
    network = OnnxBackend(path, device="cpu")
    _wait_for_idle_cores(60 * wait_idle)
    print(run_header(["snadnet", "onnxruntime", "numpy"]))
    print(f"weights: {path} ({path.stat().st_size / 1e6:.2f} MB)")
    crop = np.random.default_rng(0).random((1, CROP_SIZE, CROP_SIZE, 3), dtype=np.float32)
    times = []
    for _ in range(WARM_UP_RUNS + runs):
        start = time.perf_counter()
        network(crop)
        times.append(time.perf_counter() - start)
    timed = times[WARM_UP_RUNS:]
    print(
        f"parse and restore one {CROP_SIZE} px crop: median {statistics.median(timed):.3f} s of {runs} warm "
        f"runs (fastest {min(timed):.3f} s, slowest {max(timed):.3f} s)"
    )
    with tempfile.TemporaryDirectory() as folder:
        image = _astronaut(Path(folder)) if photo is None else photo
        cost = restore_in_fresh_process(image, path)
    print(
        f"one photo in a fresh process ({image.name}, {cost.faces} faces restored, "
        f"{cost.seconds:.2f} s with loading, PyTorch {'loaded' if cost.torch_loaded else 'not loaded'}): "
        f"peak memory {cost.peak / 1e6:.0f} MB"
    )


def _wait_for_idle_cores(seconds: float) -> None:
    """Return once the last minute's load is low, or after so many seconds; the header states the load."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and os.getloadavg()[0] > IDLE_LOAD:
        time.sleep(5)


def _astronaut(folder: Path) -> Path:
    """Save scikit-image's portrait (512 px, NASA, public domain) as a file."""
    path = folder / "astronaut.png"
    Image.fromarray(skimage.data.astronaut()).save(path)  # type: ignore[no-untyped-call]
    return path


if __name__ == "__main__":
    try:
        typer.run(main)
    except SnadnetError as error:
        sys.exit(str(error))
