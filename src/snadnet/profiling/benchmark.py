"""What each network costs: parameters, multiply-adds, seconds and memory, each in a fresh process, one by one."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from snadnet import __version__
from snadnet.catalogue import current_name
from snadnet.errors import ModelError
from snadnet.evaluation.report.tables import NOTHING, Document, Table
from snadnet.inference import resolve_weights
from snadnet.models import describe_model, list_models
from snadnet.models.complexity import ModelFigures, model_figures
from snadnet.photo import printable
from snadnet.profiling.process import WARM_UP_RUNS, Reading, Request

SCHEMA: Final = 1
"""Version of the JSON document; it grows when a field changes its meaning or goes, not when one is added."""

BUSY_LOAD: Final = 0.5
"""A load over the last minute above this, in cores, is told: the figures then are not those of an idle machine."""


@dataclass(frozen=True)
class Setting:
    """How to measure; the fields are those of :class:`~snadnet.profiling.process.Request`."""

    size: int = 256
    runs: int = 10
    device: Literal["cpu", "cuda"] = "cpu"
    threads: int | None = None
    half: bool = False


@dataclass(frozen=True)
class Subject:
    """A network to measure.

    Attributes:
        name: What it is called in tables: a registered model, or a file's name.
        source: The registered model, or the file's path.
        is_file: Whether it is a file.
    """

    name: str
    source: str
    is_file: bool


@dataclass(frozen=True)
class Cost:
    """What a network costs.

    Attributes:
        subject: The network.
        reading: What was measured; None where that failed.
        figures: What was counted; None where the network's name is unknown.
        error: Why there is no reading.
    """

    subject: Subject
    reading: Reading | None
    figures: ModelFigures | None
    error: str | None = None


def find_subjects(texts: Sequence[str]) -> list[Subject]:
    """The networks that a command line names: all registered deblurring models if none.

    Raises:
        ModelError: A name is unknown or a parser's.
        WeightsError: A file is missing.
    """
    return [_find_subject(text) for text in texts] or [Subject(name, name, False) for name in list_models("deblurring")]


def _find_subject(text: str) -> Subject:
    text = current_name(text)
    if text in list_models("parsing"):
        raise ModelError(f"the model {text!r} is a face parser; name a deblurring network")
    if text in list_models("deblurring"):
        return Subject(text, text, False)
    path = resolve_weights(text)
    return Subject(Path(text).name, str(path), True)


def measure_costs(subjects: Sequence[Subject], setting: Setting, advance: Callable[[int], None]) -> list[Cost]:
    """Measure networks one after the other. One that fails does not stop the others.

    Args:
        subjects: The networks.
        setting: How to measure.
        advance: Told of each network that is done.
    """
    costs = []
    for subject in subjects:
        costs.append(_measure(subject, setting))
        advance(1)
    return costs


def _measure(subject: Subject, setting: Setting) -> Cost:
    request = Request(subject=subject.source, is_file=subject.is_file, **asdict(setting))
    # -P keeps the modules of the folder that the user is in out of the new process.
    arguments = [sys.executable, "-P", "-m", "snadnet.profiling.process", json.dumps(asdict(request))]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        return Cost(subject, None, _figures(subject, None, setting.size), _reason(done))
    answer = json.loads(done.stdout.splitlines()[-1])
    if "error" in answer:
        return Cost(subject, None, None, answer["error"])
    reading = Reading(**{**answer, "seconds": tuple(answer["seconds"])})
    return Cost(subject, reading, _figures(subject, reading, setting.size))


def _figures(subject: Subject, reading: Reading | None, size: int) -> ModelFigures | None:
    name = reading.model if reading is not None else None if subject.is_file else subject.source
    return model_figures(describe_model(name), size) if name in list_models("deblurring") else None


def _reason(done: "subprocess.CompletedProcess[str]") -> str:
    if done.returncode < 0:
        return f"ended by signal {-done.returncode}; signal 9 mostly says that there was too little memory"
    lines = done.stderr.strip().splitlines()
    return printable(lines[-1])[:300] if lines else f"ended with code {done.returncode}"


def busy_line() -> str | None:
    """A line to print where other work keeps the machine busy, to be asked for before anything is measured."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load <= BUSY_LOAD:
        return None
    return (
        f"BUSY: other work took {load:.1f} of {os.cpu_count()} cores over the last minute, before the first run; "
        "the seconds are not those of an idle machine, measure again when it is"
    )


def cost_document(costs: Sequence[Cost], setting: Setting, *, header: Sequence[str]) -> Document:
    """One table of all networks, and lines that say what was measured."""
    on_cuda = setting.device == "cuda"
    place = ", ".join(sorted({cost.reading.device for cost in costs if cost.reading is not None})) or setting.device
    precision = "mixed precision (float16)" if setting.half else "float32"
    memory = (
        "the greatest that PyTorch's tensors took on the GPU"
        if on_cuda
        else "the greatest resident memory of the process, with Python, its libraries and loading the weights; "
        "before: what it was before the network was made or loaded"
    )
    lines = [
        *header,
        f"one picture of {setting.size} x {setting.size} px on {place}, {precision}"
        + (", channels last, cuDNN's fastest algorithms" if on_cuda else ""),
        f"seconds: median and fastest of {setting.runs} runs after {WARM_UP_RUNS} to warm up; each network in a "
        "process of its own, one after the other; a model without a file has untrained weights",
        f"peak memory: {memory}",
        "GMACs: billions of multiply-adds of convolutions and matrix products for that picture",
        *(f"{cost.subject.name}: not measured: {cost.error}" for cost in costs if cost.error is not None),
    ]
    heads = (
        "model",
        "parameters M",
        "GMACs",
        "seconds",
        "fastest",
        "peak memory MB",
        "before MB",
        "runtime",
        "threads",
    )
    rows = tuple((cost.subject.name, *_counted(cost.figures), *_measured(cost.reading)) for cost in costs)
    return Document(tuple(lines), (Table("Cost of one picture", heads, rows),))


def _counted(figures: ModelFigures | None) -> tuple[str, str]:
    if figures is None:
        return NOTHING, NOTHING
    return f"{figures.parameters / 1e6:.2f}", f"{figures.macs / 1e9:.2f}"


def _measured(reading: Reading | None) -> tuple[str, ...]:
    if reading is None:
        return (NOTHING,) * 6
    return (
        f"{statistics.median(reading.seconds):.4f}",
        f"{min(reading.seconds):.4f}",
        _megabytes(reading.peak_memory),
        _megabytes(reading.memory_before),
        reading.runtime,
        str(reading.threads),
    )


def _megabytes(memory: int | None) -> str:
    return NOTHING if memory is None else f"{memory / 1e6:.0f}"


def costs_as_json(costs: Sequence[Cost], setting: Setting, *, header: Sequence[str]) -> str:
    """One document, described in ``docs/benchmark.md``; null stands for what is unknown."""
    models = []
    for cost in costs:
        reading = None if cost.reading is None else asdict(cost.reading)
        if cost.reading is not None and reading is not None:
            reading["median_seconds"] = statistics.median(cost.reading.seconds)
        models.append(
            {
                "name": cost.subject.name,
                "source": cost.subject.source,
                "parameters": cost.figures and cost.figures.parameters,
                "macs": cost.figures and cost.figures.macs,
                "reading": reading,
                "error": cost.error,
            }
        )
    document = {
        "schema": SCHEMA,
        "generator": f"snadnet {__version__}",
        "header": list(header),
        "setting": {**asdict(setting), "warm_up_runs": WARM_UP_RUNS},
        "models": models,
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"
