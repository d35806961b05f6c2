"""The figures of a table: means over seeds, intervals, costs, and which rows can be told apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np
from scipy.stats import false_discovery_control

from snadnet.evaluation.report.summary import Row as SummaryRow
from snadnet.evaluation.report.summary import summarize
from snadnet.evaluation.runner import Evaluation, MethodScores
from snadnet.evaluation.statistics import Comparison, Resampling, compare
from snadnet.experiments.plan import PlannedRow
from snadnet.experiments.run_record import Spent
from snadnet.metrics.base import SetMeasure
from snadnet.metrics.fidelity import PSNR
from snadnet.models import describe_model
from snadnet.models.complexity import Complexity, measure_complexity

SIGNIFICANCE: Final = 0.05
"""The share of false ones among the differences that are called differences."""


@dataclass(frozen=True)
class RowResult:
    """A row that was trained and scored.

    Attributes:
        planned: The row.
        figures: Its figures, of each face's mean over the seeds.
        psnr_by_seed: Mean PSNR of each seed, dB.
        complexity: Parameters, and multiplications at 256 px.
        seconds_a_face: Median on one CPU thread at the size of the test faces; None if it was not measured.
        spent: What each seed's training took.
        stage_spent: What its stages took.
    """

    planned: PlannedRow
    figures: SummaryRow
    psnr_by_seed: tuple[float, ...]
    complexity: Complexity
    seconds_a_face: float | None
    spent: tuple[Spent, ...]
    stage_spent: tuple[Spent, ...]


@dataclass(frozen=True)
class Pair:
    """Two rows compared by PSNR.

    Attributes:
        first: The first row's name.
        second: The second row's name.
        comparison: The paired difference over the faces.
        adjusted_p: Its p value, adjusted for the number of pairs (Benjamini and Hochberg 1995).
        seeds_overlap: Whether the means of their seeds lie in ranges that overlap; False where both have one seed.
    """

    first: str
    second: str
    comparison: Comparison
    adjusted_p: float
    seeds_overlap: bool

    @property
    def differ(self) -> bool:
        """Whether the rows can be told apart: by the test over the faces, and by the spread of their seeds."""
        return self.adjusted_p < SIGNIFICANCE and not self.seeds_overlap

    def better_than(self, name: str, other: str) -> bool:
        """Whether one of the two is better, and can be told apart."""
        gap = self.comparison.difference.value
        return self.differ and (gap > 0) == (name == self.first) and {name, other} == {self.first, self.second}


@dataclass(frozen=True)
class Results:
    """All figures of a table.

    Attributes:
        blurred: Those of the blurred input itself.
        rows: The rows that were trained.
        pairs: All pairs of them.
        set_measures: What was measured of the whole set of restored faces.
    """

    blurred: SummaryRow
    rows: tuple[RowResult, ...]
    pairs: tuple[Pair, ...]
    set_measures: tuple[SetMeasure, ...] = ()

    def of_the_set(self, row: SummaryRow) -> dict[str, float]:
        """Return a row's figures of the whole set, by their titles in tables."""
        return {
            measure.title: measure.factor * value
            for measure, value in zip(self.set_measures, row.distances, strict=True)
        }

    def row(self, name: str) -> RowResult | None:
        """Return the row of a name; None if it was not trained."""
        return next((row for row in self.rows if row.planned.name == name), None)

    def pair(self, name: str, other: str) -> Pair | None:
        """Return the comparison of two rows; None if either was not trained."""
        return next((pair for pair in self.pairs if {pair.first, pair.second} == {name, other}), None)


def collect_results(
    evaluation: Evaluation,
    rows: Sequence[PlannedRow],
    spent: Mapping[str, Spent],
    seconds: Mapping[str, float],
    resampling: Resampling,
) -> Results:
    """Compute the figures of all rows of which at least one seed was trained.

    Args:
        evaluation: The scores of every trained run, by its name.
        rows: All rows.
        spent: What the finished trainings took, by name.
        seconds: Seconds a face by the name of the row, where they were measured.
        resampling: The bootstrap of the intervals.
    """
    by_name = {scores.name: scores for scores in evaluation.methods}
    trained = [row for row in rows if any(run.name in by_name for run in row.runs)]
    seeds = {row.name: [by_name[run.name] for run in row.runs if run.name in by_name] for row in trained}
    merged = [_mean_over_seeds(name, scores) for name, scores in seeds.items()]
    summary = summarize(replace(evaluation, methods=(evaluation.blurred, *merged)), resampling)
    place = evaluation.measures.index(PSNR)
    results = []
    for row, figures in zip(trained, summary.rows[1:], strict=True):
        done = [run for run in row.runs if run.name in by_name]
        results.append(
            RowResult(
                row,
                figures,
                tuple(float(np.mean(scores.values[place])) for scores in seeds[row.name]),
                measure_complexity(describe_model(done[0].settings.model)),
                seconds.get(row.name),
                tuple(spent[run.name] for run in done),
                tuple(spent[need] for need in done[0].needs),
            )
        )
    pairs = _pairs(merged, results, place, resampling)
    return Results(summary.rows[0], tuple(results), pairs, evaluation.set_measures)


def _mean_over_seeds(name: str, seeds: Sequence[MethodScores]) -> MethodScores:
    """Return the mean of each face's values over the seeds, and of each figure of the whole set."""
    values = tuple(np.mean(np.stack(columns), axis=0) for columns in zip(*(s.values for s in seeds), strict=True))
    distances = tuple(float(np.mean(figures)) for figures in zip(*(each.distances for each in seeds), strict=True))
    return MethodScores(name, "", values, distances)


def _pairs(
    merged: Sequence[MethodScores], rows: Sequence[RowResult], place: int, resampling: Resampling
) -> tuple[Pair, ...]:
    pairs = list(combinations(zip(merged, rows, strict=True), 2))
    if not pairs:
        return ()
    found = [
        compare(PSNR, (a.name, a.values[place]), (b.name, b.values[place]), resampling) for (a, _), (b, _) in pairs
    ]
    # Without a single face in common there is nothing to tell rows apart by.
    p_values = [1.0 if np.isnan(each.p_value) else each.p_value for each in found]
    adjusted = false_discovery_control(p_values, method="bh")
    return tuple(
        Pair(each.first, each.second, each, float(p), _overlap(first.psnr_by_seed, second.psnr_by_seed))
        for each, p, ((_, first), (_, second)) in zip(found, adjusted, pairs, strict=True)
    )


def _overlap(first: Sequence[float], second: Sequence[float]) -> bool:
    several = max(len(first), len(second)) > 1
    return several and max(min(first), min(second)) <= min(max(first), max(second))
