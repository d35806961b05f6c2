"""What a second process brings to a training on CPUs: faces per second, with and without loaders, and the same curve.

One process takes twice the faces a step that each of two takes, so that both see the same number at each step. The
processes are those of ``torchrun``, with one thread each. Loaders apart means: the steps on one batch, over and over.

Example: ``python benchmarks/training_processes.py data/ffhq --steps 60``
"""

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from snadnet.environment import run_header
from snadnet.errors import SnadnetError
from snadnet.training import load_settings
from snadnet.training.faces import device_batches, training_and_validation_faces
from snadnet.training.processes import start
from snadnet.training.recipes import RECIPES

_WARM_UP = 5  # steps that are not timed
CONFIG = Path(__file__).parents[1] / "configs" / "nafnet" / "tiny.yaml"


def main(
    faces: Annotated[Path, typer.Argument(help="A folder of faces; the last 200 by name are for validation.")],
    *,
    steps: Annotated[int, typer.Option(min=20, help="Steps of each training.")] = 60,
    batch: Annotated[int, typer.Option(min=2, help="Faces a step, of all processes together.")] = 8,
    size: Annotated[int, typer.Option(min=32, help="Their size in pixels.")] = 128,
    config: Annotated[Path, typer.Option(help="What is trained.")] = CONFIG,
    alone: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Print a line for one process and one for two."""
    if alone:
        _steps_alone(config, _settings(faces, size, batch, steps), steps)
        return
    print(run_header(["snadnet", "torch", "accelerate"]))
    print(f"{config.name}, {batch} faces of {size} px a step\n")
    print("processes  faces/s  faces/s without loaders  validation scores, by step")
    with tempfile.TemporaryDirectory() as folder:
        for processes in (1, 2):
            overrides = _settings(faces, size, batch // processes, steps)
            run = Path(folder) / str(processes)
            words = ["-m", "snadnet", "train", "--device", "cpu", "-c", str(config), "-r", str(run)]
            _launched(processes, [*words, *(word for each in overrides for word in ("-s", each))])
            own = [str(Path(__file__)), str(faces), "--alone", "--config", str(config), "--steps", str(steps)]
            own += ["--batch", str(batch // processes), "--size", str(size)]
            rate = json.loads(_launched(processes, own).splitlines()[-1]) * processes
            print(f"{processes:9d}  {_rate(run, batch):7.2f}  {rate:23.2f}  {_curve(run)}", flush=True)


def _settings(faces: Path, size: int, batch: int, steps: int) -> list[str]:
    return [
        f"data.sources=[{{images: '{faces.absolute()}', hold_out: 200}}]",
        f"data.sizes=[{{size: {size}, batch_size: {batch}}}]",
        "data.workers=1",
        f"schedule.steps={steps}",
        "schedule.warmup=5",
        f"validation.every={steps // 4}",
        "validation.faces=32",
        "log_every=1",
    ]


def _launched(processes: int, words: list[str]) -> str:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([*launcher, *words], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def _steps_alone(config: Path, overrides: list[str], steps: int) -> None:
    """Print, in the main process, the faces per second of each process on one batch that stays the same."""
    settings = load_settings(config, overrides)
    accelerator = start(settings, "cpu")
    recipe = RECIPES[settings.recipe](settings, accelerator)
    training, _ = training_and_validation_faces(settings.data)
    batches = device_batches(training, settings, accelerator, 0)
    batch = next(batches)
    batches.close()
    recipe.trained.train()
    begun = 0.0
    for step in range(steps + _WARM_UP):
        if step == _WARM_UP:
            begun = time.perf_counter()
        recipe.learner.step_down(recipe.training_step(batch, 0.5)["loss"])
    if accelerator.is_main_process:
        print(steps * len(batch.sharp) / (time.perf_counter() - begun))


def _rate(run: Path, batch: int) -> float:
    """Faces per second; the steps around a validation do not count."""
    records = [record for record in _records(run) if record["group"] == "train"][_WARM_UP:]
    validated = {record["step"] for record in _records(run) if record["group"] == "validation"}
    pairs = [(a, b) for a, b in itertools.pairwise(records) if not {a["step"], b["step"]} & validated]
    seconds: float = sum(b["time"] - a["time"] for a, b in pairs)
    return batch * len(pairs) / seconds


def _curve(run: Path) -> str:
    records = [record for record in _records(run) if record["group"] == "validation"]
    name = next(key for key in records[0] if key.endswith("psnr"))
    return f"{name}: " + ", ".join(f"{record['step']}: {record[name]:.2f}" for record in records)


def _records(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


if __name__ == "__main__":
    try:
        typer.run(main)
    except SnadnetError as error:
        sys.exit(str(error))
