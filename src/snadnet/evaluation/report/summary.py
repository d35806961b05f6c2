"""Aggregation of an evaluation: figures with intervals, gains, comparisons, and figures by groups of faces."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snadnet.evaluation.breakdown import Breakdown, Group
from snadnet.evaluation.runner import Evaluation, MethodScores
from snadnet.evaluation.statistics import Comparison, Estimate, Resampling, compare, difference, estimate
from snadnet.metrics.fidelity import PSNR

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """The figures of one method.

    A face whose restored image equals its sharp one has a PSNR without bound, which no mean can take in: such faces
    are counted, and the figure over the others stands beside.

    Attributes:
        name: Its name.
        source: Its origin.
        estimates: A figure for each measure of the evaluation; that of PSNR is infinite if any face is equal.
        gain: Mean PSNR minus the blurred input's own, dB, over the faces where both are finite; None for the blurred
            input, and where there is no such face.
        worse_share: The share of faces whose PSNR is lower than before, in [0, 1]; None for the blurred input, and
            where that equals the sharp face everywhere.
        equal: Number of faces whose image equals the sharp one.
        psnr_of_rest: Mean PSNR over the other faces; NaN without an interval if there are none.
        distances: The figure of the whole set for each set measure of the evaluation.
    """

    name: str
    source: str
    estimates: tuple[Estimate, ...]
    gain: Estimate | None
    worse_share: float | None
    equal: int
    psnr_of_rest: Estimate
    distances: tuple[float, ...]


@dataclass(frozen=True)
class GroupRow:
    """The figures of one group of faces.

    Attributes:
        name: Its name.
        faces: Number of its faces.
        psnr: Mean PSNR of each method in dB, the blurred input's first; infinite if any face is equal.
        worse_shares: Of each method but the blurred input, in [0, 1].
        equal: Number of faces whose image equals the sharp one, blurred or under any method.
        psnr_of_rest: As ``psnr``, over the other faces; NaN if there are none.
    """

    name: str
    faces: int
    psnr: tuple[float, ...]
    worse_shares: tuple[float, ...]
    equal: int
    psnr_of_rest: tuple[float, ...]


@dataclass(frozen=True)
class BreakdownRows:
    """The figures of all groups of one breakdown."""

    breakdown: Breakdown
    rows: tuple[GroupRow, ...]


@dataclass(frozen=True)
class Summary:
    """The figures of an evaluation.

    Attributes:
        evaluation: The evaluation.
        resampling: How the intervals were computed.
        rows: The methods, the blurred input first.
        comparisons: The first method against each further one, by each measure.
        groups: The groups of each breakdown that was asked for.
    """

    evaluation: Evaluation
    resampling: Resampling
    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]
    groups: tuple[BreakdownRows, ...]


def summarize(evaluation: Evaluation, resampling: Resampling) -> Summary:
    """Compute the figures of an evaluation."""
    first, *others = evaluation.methods[1:] or (None,)
    comparisons = tuple(
        compare(measure, (first.name, first.values[place]), (other.name, other.values[place]), resampling)
        for other in others
        if first is not None and other is not None
        for place, measure in enumerate(evaluation.measures)
    )
    return Summary(
        evaluation,
        resampling,
        tuple(_row(evaluation, scores, resampling) for scores in evaluation.methods),
        comparisons,
        tuple(BreakdownRows(breakdown, _group_rows(evaluation, groups)) for breakdown, groups in evaluation.groups),
    )


def _row(evaluation: Evaluation, scores: MethodScores, resampling: Resampling) -> Row:
    gain = worse_share = None
    blurred, restored = _psnr(evaluation, evaluation.blurred), _psnr(evaluation, scores)
    # A gain over an input that equals its target would say nothing.
    if scores is not evaluation.blurred and np.isfinite(blurred).any():
        worse_share = float((restored < blurred).mean())
        if (np.isfinite(blurred) & np.isfinite(restored)).any():
            gain = difference(PSNR, restored, blurred, resampling)
    estimates = tuple(
        estimate(measure, values, resampling)
        for measure, values in zip(evaluation.measures, scores.values, strict=True)
    )
    equal = np.isinf(restored)
    rest = estimate(PSNR, restored[~equal], resampling)
    return Row(scores.name, scores.source, estimates, gain, worse_share, int(equal.sum()), rest, scores.distances)


def _group_rows(evaluation: Evaluation, groups: Sequence[Group]) -> tuple[GroupRow, ...]:
    psnr = np.stack([_psnr(evaluation, scores) for scores in evaluation.methods])
    rows = []
    for group in sorted(set(groups)):
        chosen = psnr[:, [each == group for each in groups]]
        worse = (chosen[1:] < chosen[0]).mean(axis=1)
        differ = np.isfinite(chosen).all(axis=0)
        rest = chosen[:, differ].mean(axis=1) if differ.any() else np.full(len(chosen), np.nan)
        rows.append(
            GroupRow(
                group.name,
                chosen.shape[1],
                tuple(chosen.mean(axis=1).tolist()),
                tuple(worse.tolist()),
                int((~differ).sum()),
                tuple(rest.tolist()),
            )
        )
    return tuple(rows)


def _psnr(evaluation: Evaluation, scores: MethodScores) -> Numbers:
    return np.asarray(scores.values[evaluation.measures.index(PSNR)], np.float64)
