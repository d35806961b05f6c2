"""How far figures can be trusted: bootstrap intervals over the faces, and paired tests of two methods."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap, wilcoxon

from snadnet.evaluation.metrics import Choice, Metric, Readings


@dataclass(frozen=True)
class Resampling:
    """How intervals are found: the percentile bootstrap (Efron 1979) over the faces.

    Attributes:
        count: How often as many faces are drawn with replacement; 0 for no intervals.
        seed: Settles the draws, which are the same for every metric and method.
        level: The share of the draws within an interval.
    """

    count: int = 2000
    seed: int = 0
    level: float = 0.95

    def __str__(self) -> str:
        draws = f"{self.count} draws, seed {self.seed}"
        return f"{100 * self.level:g} % intervals: percentile bootstrap over the faces, {draws}"


@dataclass(frozen=True)
class Estimate:
    """A figure and its interval.

    Attributes:
        value: The figure of all faces; NaN where no face has a value.
        interval: Lower and upper end; None where there is none (fewer than two faces, values without bound).
    """

    value: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Comparison:
    """Two methods by one metric on the same faces.

    Attributes:
        metric: The metric.
        first: Name of the first method.
        second: Name of the second method.
        faces: How many faces have a finite value under both.
        difference: The first's figure less the second's, over those faces.
        p_value: Of the two-sided Wilcoxon signed-rank test of the faces' differences (Wilcoxon 1945; equal values
            are left out); 1 if there is no difference at all, NaN without faces.
    """

    metric: Metric
    first: str
    second: str
    faces: int
    difference: Estimate
    p_value: float


def estimate(metric: Metric, readings: Readings, resampling: Resampling) -> Estimate:
    """The figure of a method and its interval, both over the faces that have a value."""
    valued = np.flatnonzero(~np.isnan(metric.per_face(readings)))
    return _estimate(lambda chosen: metric.summary(readings, chosen), valued, resampling)


def difference(metric: Metric, first: Readings, second: Readings, resampling: Resampling) -> Estimate:
    """The figure of one method less another's, on the faces that have a finite value under both."""
    return _estimate(
        lambda chosen: metric.summary(first, chosen) - metric.summary(second, chosen),
        _shared(metric, first, second),
        resampling,
    )


def compare(
    metric: Metric, first: tuple[str, Readings], second: tuple[str, Readings], resampling: Resampling
) -> Comparison:
    """Compare two methods, each a name and its readings of the same faces."""
    shared = _shared(metric, first[1], second[1])
    differences = (metric.per_face(first[1]) - metric.per_face(second[1]))[shared]
    p_value = float("nan")
    if len(differences):
        p_value = float(wilcoxon(differences).pvalue) if differences.any() else 1.0
    return Comparison(
        metric,
        first[0],
        second[0],
        len(shared),
        difference(metric, first[1], second[1], resampling),
        p_value,
    )


def _shared(metric: Metric, first: Readings, second: Readings) -> Choice:
    return np.flatnonzero(np.isfinite(metric.per_face(first)) & np.isfinite(metric.per_face(second)))


def _estimate(summary: Callable[[Choice], float], faces: Choice, resampling: Resampling) -> Estimate:
    if not len(faces):
        return Estimate(float("nan"), None)
    value = summary(faces)
    if len(faces) < 2 or not resampling.count or not isfinite(value):  # noqa: PLR2004 (one face has no spread)
        return Estimate(value, None)

    def statistic(chosen: NDArray[np.int64]) -> float:
        return summary(chosen)

    found = bootstrap(
        (faces,),
        statistic,
        vectorized=False,
        method="percentile",
        n_resamples=resampling.count,
        confidence_level=resampling.level,
        rng=np.random.default_rng(resampling.seed),
    ).confidence_interval
    interval = float(found.low), float(found.high)
    return Estimate(value, interval if all(map(isfinite, interval)) else None)
