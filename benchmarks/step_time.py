"""Measured seconds a face in training, of every method at paper scale, and what its whole schedule takes at that rate.

Each row of a table of ``snadnet reproduce --scale paper`` takes some steps by its own recipe, batch and losses (no
perceptual ones: their weights are not given). The median of the steps after the first ten counts, loading included.

Example: ``python benchmarks/step_time.py data/celebamask --workers 8``
"""

import itertools
import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import torch
import typer
from torch import Tensor

from snadnet.environment import run_header
from snadnet.errors import SnadnetError
from snadnet.experiments import Budget, find_definition, make_plan, read_definition
from snadnet.inference import TorchDevice
from snadnet.models import create_network, save_network
from snadnet.training import load_settings, train
from snadnet.training.config import RunSettings, ScheduleSettings
from snadnet.training.run import Run

WARM_UP: Final = 10
GPUS: Final = 8


class StepTimes:
    """Notes the time after each step."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def after_step(self, run: Run, losses: Mapping[str, Tensor | float]) -> None:
        """Wait for the device, and note the time."""
        if run.accelerator.device.type == "cuda":
            torch.cuda.synchronize()
        self.times.append(time.perf_counter())

    def at_end(self, run: Run) -> None:
        """Do nothing."""

    def median(self) -> float:
        """Seconds of a step."""
        after = self.times[WARM_UP:] if len(self.times) > WARM_UP + 1 else self.times
        return statistics.median(later - earlier for earlier, later in itertools.pairwise(after))


def main(
    faces: Annotated[Path, typer.Argument(help="Folder with images/ and labels/; the last 200 by name are held out.")],
    *,
    table: Annotated[str, typer.Option(help="Which table's rows.")] = "table-2",
    row: Annotated[list[str] | None, typer.Option(help="Of these rows alone; repeatable.")] = None,
    steps: Annotated[int, typer.Option(min=2, help="Steps of each.")] = 40,
    workers: Annotated[int, typer.Option(min=0, help="Processes that prepare faces.")] = 1,
    device: Annotated[TorchDevice, typer.Option(help="Where to train.")] = "auto",
) -> None:
    """Print, for every row, its batch, seconds a step and a face, memory, and the days of its schedule."""
    print(run_header(["snadnet", "torch"]))
    if torch.cuda.is_available() and device != "cpu":
        print(f"device: {torch.cuda.get_device_name()}")
    sources = f"[{{images: {faces.resolve()}/images, labels: {faces.resolve()}/labels, hold_out: 200}}]"
    overrides = [f"data.sources={sources}", "data.degradation.kernels=200", f"data.workers={workers}"]
    place = find_definition(table, "paper")
    definition = read_definition(place)
    plan = make_plan(definition, place, Budget(faces=1), Path("runs"), data=Path(), overrides=overrides)
    print(f"{'method':28}batch  step s   face s   GiB  faces of schedule  days on 1  on {GPUS} (faces shared)")
    with TemporaryDirectory() as folder:
        for planned in plan.rows:
            if row and planned.name not in row:
                continue
            settings = planned.runs[0].settings
            # The plan's own schedule is that of its budget.
            schedule = load_settings(place.parent / planned.row.config).schedule.steps
            assert schedule is not None
            try:
                seconds = step_seconds(settings, Path(folder) / planned.name, steps=steps, device=device)
            except (torch.OutOfMemoryError, SnadnetError) as error:
                print(f"{planned.row.title:28}{' '.join(str(error).split())[:90]}")
                continue
            batch = settings.data.sizes[0].batch_size
            seen = batch * schedule
            gib = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else float("nan")
            days = seconds / batch * seen / 86400
            print(
                f"{planned.row.title:28}{batch:5d}{seconds:8.3f}{seconds / batch:9.4f}{gib:6.1f}"
                f"{seen:19,d}{days:11.2f}{days / GPUS:10.2f}",
                flush=True,
            )


def step_seconds(settings: RunSettings, folder: Path, *, steps: int, device: TorchDevice) -> float:
    """Train for some steps, and return the seconds of one.

    Args:
        settings: Of the training; its schedule is replaced, and a parser is made with random weights.
        folder: Where to.
        steps: How many.
        device: On what.
    """
    changed: dict[str, object] = {"schedule": ScheduleSettings(steps=steps, warmup=0)}
    changed["validation"] = settings.validation.model_copy(update={"faces": 1, "every": 10**6})
    if getattr(settings, "parser", None) is not None:
        folder.mkdir(parents=True)
        changed["parser"] = folder / "parser.safetensors"
        save_network(folder / "parser.safetensors", create_network("bisenet"), "bisenet")
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    times = StepTimes()
    train(settings.model_copy(update=changed), folder / "run", device=device, callbacks=[times])
    return times.median()


if __name__ == "__main__":
    try:
        typer.run(main)
    except SnadnetError as error:
        sys.exit(str(error))
