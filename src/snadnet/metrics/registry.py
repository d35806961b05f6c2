"""The metrics by name: to add one, write its file and its line in ``METRICS``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from snadnet.errors import ConfigError
from snadnet.metrics import distribution, identity, kernel_distance, lpips
from snadnet.metrics.base import Metric, MetricOptions, SetMetric
from snadnet.metrics.distribution import Distribution
from snadnet.metrics.fidelity import Fidelity
from snadnet.metrics.identity import Identity
from snadnet.metrics.kernel_distance import EfficientNetKernelDistance
from snadnet.metrics.landmarks import Landmarks
from snadnet.metrics.lpips import LPIPS
from snadnet.metrics.parsing import Parsing


@dataclass(frozen=True)
class MetricEntry:
    """How a metric is made.

    Attributes:
        create: Makes it; raises a SnadnetError if what it needs is not there.
        left_out: Says in one line, with the remedy, why it is left out unless asked for by name, or returns None.
    """

    create: Callable[[MetricOptions], Metric | SetMetric]
    left_out: Callable[[MetricOptions], str | None] = lambda _: None


METRICS: Final[dict[str, MetricEntry]] = {
    "fidelity": MetricEntry(Fidelity.create),
    "parsing": MetricEntry(Parsing.create),
    "identity": MetricEntry(Identity.create, identity.left_out),
    "landmarks": MetricEntry(Landmarks.create),
    "lpips": MetricEntry(LPIPS.create, lpips.left_out),
    "distribution": MetricEntry(Distribution.create, distribution.left_out),
    "kernel-distance": MetricEntry(EfficientNetKernelDistance.create, kernel_distance.left_out),
}
"""The metrics by name, in the order of the columns of tables."""


def create_metrics(names: Sequence[str] | None, options: MetricOptions) -> tuple[list[Metric | SetMetric], list[str]]:
    """Make metrics before anything is scored.

    Args:
        names: Keys of ``METRICS``; fidelity is always among them. None for all whose files and packages are there.
        options: What they are made from.

    Returns:
        The metrics, and a line for each that was left out.

    Raises:
        ConfigError: If a name is unknown, or a metric that is named lacks its file or its package.
        WeightsError: If a file is missing or damaged.
    """
    unknown = [name for name in names or () if name not in METRICS]
    if unknown:
        raise ConfigError(f"there is no metric {unknown[0]!r}; choose of: {', '.join(METRICS)}")
    if names is not None:
        # Fidelity always: gains, and figures by groups of faces, are of PSNR.
        return [METRICS[name].create(options) for name in METRICS if name in ("fidelity", *names)], []
    reasons = {name: entry.left_out(options) for name, entry in METRICS.items()}
    metrics = [METRICS[name].create(options) for name, reason in reasons.items() if reason is None]
    return metrics, [reason for reason in reasons.values() if reason is not None]
