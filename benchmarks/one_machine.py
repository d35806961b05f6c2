"""Time on one machine: starting, opening, one photo, a large photo with ten faces, and the runtimes for one crop.

Everything is done in fresh processes, and the fastest of some runs is printed. Run it where nothing else runs.

Example: ``python benchmarks/one_machine.py``
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from fresh_process import restore_in_fresh_process
from photo_memory import PORTRAITS, tiled
from snadnet.environment import run_header
from snadnet.errors import SnadnetError
from snadnet.faces import CROP_SIZE, LARGE_CROP_SIZE
from snadnet.inference import resolve_weights

LARGE = (4000, 3000)  # 12 megapixels
TEN = (5, 2)  # portraits across and down
CACHE = "SNADNET_CACHE"

_OPEN = """
import json, sys, time
from snadnet.inference import load_model
start = time.perf_counter()
load_model(sys.argv[1], sys.argv[2])._session(usual=True)
print(json.dumps(time.perf_counter() - start))
"""

_CROPS = """
import json, sys, time
import numpy as np
from snadnet.inference import load_model
network = load_model(sys.argv[1], sys.argv[2])
crops = np.random.default_rng(0).random((int(sys.argv[3]), 256, 256, 3), dtype=np.float32)
network(crops)
times = []
for _ in range(8):
    start = time.perf_counter()
    network(crops)
    times.append(time.perf_counter() - start)
print(json.dumps(min(times)))
"""

# Threads within an operation change the last bits of a crop, and two operations at a time do not.
_THREADS = """
import json, sys, time
from pathlib import Path
import numpy as np
import onnxruntime as ort
from snadnet.inference.onnx_safety import read_graph_file
content = read_graph_file(Path(sys.argv[1]))
crop = np.random.default_rng(0).random((1, 3, 256, 256), dtype=np.float32)
results, seconds = {}, {}
for name, within, beside in (("one", 1, 1), ("two within", 2, 1), ("two beside", 1, 2)):
    options = ort.SessionOptions()
    options.use_deterministic_compute = True
    options.intra_op_num_threads = within
    if beside > 1:
        options.execution_mode = ort.ExecutionMode.ORT_PARALLEL
        options.inter_op_num_threads = beside
    session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    times = []
    for _ in range(8):
        start = time.perf_counter()
        results[name] = session.run(["restored"], {"blurred": crop})[0]
        times.append(time.perf_counter() - start)
    seconds[name] = [min(times), float(np.abs(results[name] - results["one"]).max())]
print(json.dumps(seconds))
"""


def main(*, runs: Annotated[int, typer.Option(min=1, help="Fresh processes for each figure.")] = 5) -> None:
    """Print the figures of docs/research/scale.md, section "On one machine"."""
    # An installed package has its modules compiled.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    weights = str(resolve_weights())
    print(run_header(["snadnet", "onnxruntime", "opencv-python-headless", "numpy"]))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        cached = {CACHE: str(folder / "cache")}
        code = [sys.executable, "-c"]
        print(f"opening, nothing kept: {_fastest([*code, _OPEN, weights, 'cpu'], runs, {CACHE: 'off'}):.2f} s")
        _fastest([*code, _OPEN, weights, "cpu"], 1, cached)
        print(f"opening, graph kept: {_fastest([*code, _OPEN, weights, 'cpu'], runs, cached):.2f} s")
        command = [sys.executable, "-m", "snadnet", "deblur"]
        print(f"snadnet deblur --help: {_wall([*command, '--help'], runs, cached, one_core=False):.2f} s")
        portrait = str(PORTRAITS / "astronaut.jpg")
        photo = [*command, portrait, "-o", str(folder / "out.jpg"), "--overwrite"]
        print(f"one photo in a fresh process, one core: {_wall(photo, runs, cached, one_core=True):.2f} s")
        print(f"one photo in a fresh process, all cores: {_wall(photo, runs, cached, one_core=False):.2f} s")
        tiled(LARGE, TEN).save(folder / "large.jpg", quality=90)
        os.environ |= cached
        for crop in (CROP_SIZE, LARGE_CROP_SIZE):
            print(_large_photo(folder / "large.jpg", Path(weights), folder / "large_out.jpg", crop, runs), flush=True)
        for device in ("cpu", *(["openvino"] if find_spec("openvino") else [])):
            one, eight = (_fastest([*code, _CROPS, weights, device, count], 1, cached) for count in ("1", "8"))
            opening = _fastest([*code, _OPEN, weights, device], runs, cached)
            print(f"{device}: opening {opening:.2f} s, 1 crop {one:.3f} s, 8 crops {eight:.3f} s")
        for name, (seconds, change) in _output([*code, _THREADS, weights], cached).items():
            print(f"one crop, {name}: {seconds:.3f} s, largest change {change:.1e}")


def _output(arguments: list[str], environment: dict[str, str]) -> dict[str, tuple[float, float]]:
    done = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, **environment})
    result: dict[str, tuple[float, float]] = json.loads(done.stdout)
    return result


def _large_photo(photo: Path, weights: Path, output: Path, crop: int, runs: int) -> str:
    """The line of the table for a large photo, its faces in crops of so many pixels at most."""
    costs = []
    for _ in range(runs + 1):
        costs.append(restore_in_fresh_process(photo, weights, output, max_crop=crop))
        output.unlink()
    first, *others = costs  # the first keeps the graphs that are not kept yet
    best, peak = min(others, key=lambda cost: cost.seconds), max(cost.peak for cost in others)
    return (
        f"12 Mpx, {best.faces} faces, crops of {crop} px at most: {best.seconds:.1f} s, {peak / 1e6:.0f} MB"
        f" (the first time {first.peak / 1e6:.0f} MB)"
    )


def _fastest(arguments: list[str], runs: int, environment: dict[str, str]) -> float:
    """The smallest number that a program prints."""
    values = []
    for _ in range(runs):
        done = subprocess.run(
            arguments, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, **environment}
        )
        values.append(float(done.stdout))
    return min(values)


def _wall(arguments: list[str], runs: int, environment: dict[str, str], *, one_core: bool) -> float:
    """The fewest seconds from the start of a program to its end; the first run is left out."""
    prefix = ["taskset", "-c", str(min(os.sched_getaffinity(0)))] if one_core else []
    seconds = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run([*prefix, *arguments], stdout=subprocess.DEVNULL, check=True, env={**os.environ, **environment})
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


if __name__ == "__main__":
    try:
        typer.run(main)
    except SnadnetError as error:
        sys.exit(str(error))
