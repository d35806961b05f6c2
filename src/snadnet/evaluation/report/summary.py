"""What a user wants to read of an evaluation: figures with intervals, gains, comparisons, groups of faces."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from snadnet.evaluation.breakdown import Group, Grouping
from snadnet.evaluation.inception import InceptionScores
from snadnet.evaluation.metrics import PSNR
from snadnet.evaluation.runner import Evaluation, MethodScores
from snadnet.evaluation.statistics import Comparison, Estimate, Resampling, compare, difference, estimate


@dataclass(frozen=True)
class Row:
    """The figures of one method.

    Attributes:
        name: Its name.
        source: What it is made of.
        estimates: A figure for each metric of the evaluation.
        gain: Mean PSNR less the blurred input's own, dB; None for the blurred input, and where that is sharp.
        worse_share: The share of faces whose PSNR is lower than before, in [0, 1]; None as for ``gain``.
        inception: FID and KID, or None.
    """

    name: str
    source: str
    estimates: tuple[Estimate, ...]
    gain: Estimate | None
    worse_share: float | None
    inception: InceptionScores | None


@dataclass(frozen=True)
class GroupRow:
    """The faces of one group.

    Attributes:
        name: What the group is called.
        faces: How many.
        psnr: Mean PSNR of each method in dB, the blurred input's first.
        worse_shares: Of each method but the blurred input, in [0, 1].
    """

    name: str
    faces: int
    psnr: tuple[float, ...]
    worse_shares: tuple[float, ...]


@dataclass(frozen=True)
class GroupRows:
    """All groups of one way to tell the faces apart."""

    grouping: Grouping
    rows: tuple[GroupRow, ...]


@dataclass(frozen=True)
class Summary:
    """All that is told of an evaluation.

    Attributes:
        evaluation: What it is of.
        resampling: How the intervals were found.
        rows: The methods, the blurred input first.
        comparisons: The first method against each further one, by each metric.
        groups: The groups of each way to tell the faces apart that was asked for.
    """

    evaluation: Evaluation
    resampling: Resampling
    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]
    groups: tuple[GroupRows, ...]


def summarize(evaluation: Evaluation, resampling: Resampling) -> Summary:
    """Sum an evaluation up."""
    first, *others = evaluation.methods[1:] or (None,)
    comparisons = tuple(
        compare(metric, (first.name, first.readings[place]), (other.name, other.readings[place]), resampling)
        for other in others
        if first is not None and other is not None
        for place, metric in enumerate(evaluation.metrics)
    )
    return Summary(
        evaluation,
        resampling,
        tuple(_row(evaluation, scores, resampling) for scores in evaluation.methods),
        comparisons,
        tuple(GroupRows(grouping, _group_rows(evaluation, groups)) for grouping, groups in evaluation.groups),
    )


def _row(evaluation: Evaluation, scores: MethodScores, resampling: Resampling) -> Row:
    gain = worse_share = None
    blurred, restored = (each.readings[evaluation.metrics.index(PSNR)] for each in (evaluation.blurred, scores))
    # A gain over an input that equals its target would say nothing.
    if scores is not evaluation.blurred and isfinite(float(blurred.max())):
        worse_share = float((restored < blurred).mean())
        gain = difference(PSNR, restored, blurred, resampling)
    estimates = tuple(
        estimate(metric, readings, resampling)
        for metric, readings in zip(evaluation.metrics, scores.readings, strict=True)
    )
    return Row(scores.name, scores.source, estimates, gain, worse_share, scores.inception)


def _group_rows(evaluation: Evaluation, groups: Sequence[Group]) -> tuple[GroupRow, ...]:
    place = evaluation.metrics.index(PSNR)
    psnr = np.stack([scores.readings[place] for scores in evaluation.methods])
    rows = []
    for group in sorted(set(groups)):
        chosen = psnr[:, [each == group for each in groups]]
        worse = (chosen[1:] < chosen[0]).mean(axis=1)
        means = chosen.mean(axis=1)
        rows.append(GroupRow(group.name, chosen.shape[1], tuple(means.tolist()), tuple(worse.tolist())))
    return tuple(rows)
