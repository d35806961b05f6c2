"""Bootstrap intervals over the faces, and paired tests of two methods."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap, wilcoxon

from snadnet.metrics.base import Choice, Measure, Values


@dataclass(frozen=True)
class Resampling:
    """Options of the intervals: the percentile bootstrap (Efron 1979) over the faces.

    Attributes:
        count: Number of draws, each of as many faces with replacement; 0 for no intervals.
        seed: Seed of the draws, which are the same for every measure and method.
        level: Share of the draws within an interval, in (0, 1).
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
    """Two methods compared by one measure on the same faces.

    Attributes:
        metric: The measure.
        first: Name of the first method.
        second: Name of the second method.
        faces: How many faces have a finite value under both.
        difference: The first's figure minus the second's, over those faces.
        p_value: Of the two-sided Wilcoxon signed-rank test of the faces' differences (Wilcoxon 1945; equal values
            are left out); 1 if there is no difference at all, NaN without faces.
    """

    measure: Measure
    first: str
    second: str
    faces: int
    difference: Estimate
    p_value: float


def estimate(measure: Measure, values: Values, resampling: Resampling) -> Estimate:
    """Return the figure of a method and its interval, both over the faces that have a value."""
    valued = np.flatnonzero(~np.isnan(measure.per_face(values)))
    return _estimate(lambda chosen: measure.summary(values, chosen), valued, resampling)


def difference(measure: Measure, first: Values, second: Values, resampling: Resampling) -> Estimate:
    """Return the figure of one method minus another's, over the faces that have a finite value under both."""
    return _estimate(
        lambda chosen: measure.summary(first, chosen) - measure.summary(second, chosen),
        _shared(measure, first, second),
        resampling,
    )


def compare(
    measure: Measure, first: tuple[str, Values], second: tuple[str, Values], resampling: Resampling
) -> Comparison:
    """Compare two methods, each a name and its values for the same faces."""
    shared = _shared(measure, first[1], second[1])
    differences = measure.per_face(first[1])[shared] - measure.per_face(second[1])[shared]
    p_value = float("nan")
    if len(differences):
        p_value = float(wilcoxon(differences).pvalue) if differences.any() else 1.0
    return Comparison(
        measure,
        first[0],
        second[0],
        len(shared),
        difference(measure, first[1], second[1], resampling),
        p_value,
    )


def _shared(measure: Measure, first: Values, second: Values) -> Choice:
    return np.flatnonzero(np.isfinite(measure.per_face(first)) & np.isfinite(measure.per_face(second)))


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
