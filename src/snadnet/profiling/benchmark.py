"""Costs of networks: parameters, multiply-adds, seconds and memory, each in a fresh process, one by one."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from snadnet.catalogue import current_name
from snadnet.errors import ModelError, WeightsError
from snadnet.inference import resolve_weights
from snadnet.models import describe_model, list_models
from snadnet.models.complexity import Complexity, measure_complexity
from snadnet.photo import printable
from snadnet.profiling.process import Measurement, Request

BUSY_LOAD: Final = 0.5
"""A load over the last minute above this, in cores, is reported: the figures are then not those of an idle machine."""


@dataclass(frozen=True)
class BenchmarkOptions:
    """How to measure; the fields are those of ``snadnet.profiling.process.Request``."""

    size: int = 256
    runs: int = 10
    device: Literal["cpu", "cuda"] = "cpu"
    threads: int | None = None
    fp16: bool = False


@dataclass(frozen=True)
class Network:
    """A network to measure.

    Attributes:
        name: Its name in tables.
        source: The file of its weights, or the registered name of an untrained network.
        trained: Whether it has weights.
    """

    name: str
    source: str
    trained: bool


@dataclass(frozen=True)
class Cost:
    """The cost of a network.

    Attributes:
        network: The network.
        measurement: The measured cost; None where measuring failed.
        figures: The counted cost; None where the network's registered name is unknown.
        error: Why there is no measurement.
    """

    network: Network
    measurement: Measurement | None
    figures: Complexity | None
    error: str | None = None


def find_networks(trained: Sequence[str], untrained: Sequence[str] = ()) -> list[Network]:
    """Return networks by their names on a command line: all registered ones, untrained, if none is named.

    Args:
        trained: Names and files that ``snadnet.inference.load_model`` takes.
        untrained: Registered names, which get random weights.

    Raises:
        ModelError: If a registered name is unknown or a parser's.
        WeightsError: If a file is missing or a name is unknown.
    """
    if not (trained or untrained):
        untrained = list_models("deblurring")
    return [*map(_find_trained, trained), *map(_find_untrained, untrained)]


def _find_trained(text: str) -> Network:
    try:
        path = resolve_weights(text)
    except WeightsError as error:
        if current_name(text) in list_models("deblurring"):
            remedy = f"for the architecture without trained weights: --untrained {text}"
            raise WeightsError(f"no weights of {text!r} come with snadnet; {remedy}") from error
        raise
    return Network(Path(text).name, str(path), True)


def _find_untrained(name: str) -> Network:
    name = current_name(name)
    if describe_model(name).task != "deblurring":
        raise ModelError(f"the model {name!r} is a face parser; name a deblurring network")
    return Network(name, name, False)


def measure_costs(
    networks: Sequence[Network], options: BenchmarkOptions, advance: Callable[[int], None] = lambda _: None
) -> list[Cost]:
    """Measure networks one after the other. One that fails does not stop the others.

    Args:
        networks: The networks.
        options: How to measure.
        advance: Called with 1 after each network.
    """
    costs = []
    for network in networks:
        costs.append(_measure(network, options))
        advance(1)
    return costs


def _measure(network: Network, options: BenchmarkOptions) -> Cost:
    request = Request(network=network.source, trained=network.trained, **asdict(options))
    # -P keeps the modules of the folder that the user is in out of the new process.
    arguments = [sys.executable, "-P", "-m", "snadnet.profiling.process", json.dumps(asdict(request))]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        return Cost(network, None, _figures(network, None, options.size), _reason(done))
    answer = json.loads(done.stdout.splitlines()[-1])
    if "error" in answer:
        return Cost(network, None, None, answer["error"])
    measurement = Measurement(**{**answer, "seconds": tuple(answer["seconds"])})
    return Cost(network, measurement, _figures(network, measurement, options.size))


def _figures(network: Network, measurement: Measurement | None, size: int) -> Complexity | None:
    name = measurement.model if measurement is not None else None if network.trained else network.source
    return measure_complexity(describe_model(name), size) if name in list_models("deblurring") else None


def _reason(done: "subprocess.CompletedProcess[str]") -> str:
    if done.returncode < 0:
        return f"ended by signal {-done.returncode}; signal 9 mostly says that there was too little memory"
    lines = done.stderr.strip().splitlines()
    return printable(lines[-1])[:300] if lines else f"ended with code {done.returncode}"


def busy_line() -> str | None:
    """Return a line to print where other work keeps the machine busy; call it before anything is measured."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load <= BUSY_LOAD:
        return None
    return (
        f"BUSY: other work took {load:.1f} of {os.cpu_count()} cores over the last minute, before the first run; "
        "the seconds are not those of an idle machine, measure again when it is"
    )
