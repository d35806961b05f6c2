"""The report of costs, in every form that it is printed or written in."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from snadnet import __version__
from snadnet.models.complexity import Complexity
from snadnet.profiling.benchmark import BenchmarkOptions, Cost
from snadnet.profiling.process import WARM_UP_RUNS, Measurement
from snadnet.tables import NOTHING, Document, Table, TabulatedReport

SCHEMA: Final = 1
"""Version of the JSON document; it grows when a field changes its meaning or goes, not when one is added."""

_COLUMNS: Final = (
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


@dataclass(frozen=True, eq=False)
class CostReport(TabulatedReport):
    """The costs of several networks.

    Attributes:
        costs: The networks.
        options: How they were measured.
        header: Lines that every form begins with, such as the command and the machine.
    """

    costs: Sequence[Cost]
    options: BenchmarkOptions
    header: Sequence[str] = ()

    def to_json(self) -> str:
        """Return one document, described in ``docs/guides/benchmark.md``; null stands for what is unknown."""
        options = asdict(self.options)
        fp16 = options.pop("fp16")  # called "half" since the first schema
        document = {
            "schema": SCHEMA,
            "generator": f"snadnet {__version__}",
            "header": list(self._document().header),
            "setting": {**options, "half": fp16, "warm_up_runs": WARM_UP_RUNS},
            "models": [_record(cost) for cost in self.costs],
        }
        return json.dumps(document, indent=1, allow_nan=False) + "\n"

    def _document(self) -> Document:
        """One table of all networks, and lines that say what was measured."""
        rows = tuple((each.network.name, *_counted(each.figures), *_measured(each.measurement)) for each in self.costs)
        return Document((*self.header, *self._notes()), (Table("Cost of one image", _COLUMNS, rows),))

    def _notes(self) -> list[str]:
        options = self.options
        on_cuda = options.device == "cuda"
        places = sorted({each.measurement.device for each in self.costs if each.measurement is not None})
        memory = (
            "the greatest that PyTorch's tensors took on the GPU"
            if on_cuda
            else "the greatest resident memory of the process, with Python, its libraries and loading the weights; "
            "before: what it was before the network was made or loaded"
        )
        untrained = ", ".join(each.network.name for each in self.costs if not each.network.trained)
        return [
            f"one image of {options.size} x {options.size} px on {', '.join(places) or options.device}, "
            + ("mixed precision (float16)" if options.fp16 else "float32")
            + (", channels last, cuDNN's fastest algorithms" if on_cuda else ""),
            f"seconds: median and fastest of {options.runs} runs after {WARM_UP_RUNS} to warm up; each network in a "
            "process of its own, one after the other",
            *([f"untrained, with random weights: {untrained}"] if untrained else []),
            f"peak memory: {memory}",
            "GMACs: billions of multiply-adds of convolutions and matrix products for that image",
            *(f"{each.network.name}: not measured: {each.error}" for each in self.costs if each.error is not None),
        ]


def _counted(figures: Complexity | None) -> tuple[str, str]:
    if figures is None:
        return NOTHING, NOTHING
    return f"{figures.parameters / 1e6:.2f}", f"{figures.macs / 1e9:.2f}"


def _measured(measurement: Measurement | None) -> tuple[str, ...]:
    if measurement is None:
        return (NOTHING,) * 6
    return (
        f"{statistics.median(measurement.seconds):.4f}",
        f"{min(measurement.seconds):.4f}",
        _megabytes(measurement.peak_memory),
        _megabytes(measurement.memory_before),
        measurement.runtime,
        str(measurement.threads),
    )


def _megabytes(memory: int | None) -> str:
    return NOTHING if memory is None else f"{memory / 1e6:.0f}"


def _record(cost: Cost) -> dict[str, Any]:
    reading = None
    if cost.measurement is not None:
        reading = {**asdict(cost.measurement), "median_seconds": statistics.median(cost.measurement.seconds)}
    return {
        "name": cost.network.name,
        "source": cost.network.source,
        "trained": cost.network.trained,
        "parameters": cost.figures and cost.figures.parameters,
        "macs": cost.figures and cost.figures.macs,
        "reading": reading,
        "error": cost.error,
    }
