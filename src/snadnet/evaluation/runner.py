"""Runs methods on a test set and scores every face, always beside the blurred input itself.

Faces are read a batch at a time and only values are kept, so that memory hardly grows with their number.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snadnet.evaluation.breakdown import Breakdown, Group
from snadnet.evaluation.methods import BLURRED, Method, find_method
from snadnet.evaluation.test_set import FaceTestSet
from snadnet.metrics.base import Measure, Metric, ScoredFace, SetMeasure, SetMetric, Values


@dataclass(frozen=True, eq=False)
class MethodScores:
    """The scores of one method.

    Attributes:
        name: Its name in tables.
        source: Its origin.
        values: The values of the N faces for each measure of the evaluation.
        distances: The figures of the set for each set measure of the evaluation.
    """

    name: str
    source: str
    values: tuple[Values, ...]
    distances: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The scores of several methods on one test set.

    Attributes:
        test_set: The test set.
        measures: The measures of each face.
        notes: How it was measured and what was left out, a line each.
        methods: The scores; the blurred input's come first.
        seed: Seed of everything random, here KID's subsets.
        groups: The breakdowns, each with the group of each of the N faces.
        set_measures: The measures of the whole set.
    """

    test_set: FaceTestSet
    measures: tuple[Measure, ...]
    notes: tuple[str, ...]
    methods: tuple[MethodScores, ...]
    seed: int
    groups: tuple[tuple[Breakdown, tuple[Group, ...]], ...] = ()
    set_measures: tuple[SetMeasure, ...] = ()

    @property
    def blurred(self) -> MethodScores:
        """The scores of the blurred input itself."""
        return self.methods[0]


def score(
    methods: Sequence[Method],
    test_set: FaceTestSet,
    metrics: Sequence[Metric | SetMetric],
    *,
    breakdowns: Sequence[Breakdown] = (),
    batch_size: int = 8,
    seed: int = 0,
    advance: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """Restore each face of a test set by each method, and score every result.

    Args:
        methods: The methods; the blurred input is put before them.
        test_set: The faces.
        metrics: The metrics.
        breakdowns: The breakdowns of the test set.
        batch_size: Faces at a time; no score depends on it.
        seed: Seed of what set metrics draw, as KID its subsets.
        advance: Called after each batch with its number of faces.

    Raises:
        SnadnetError: If a face cannot be read or restored.
        ValueError: If a method returns another shape than it was given.
    """
    of_sets = [each for each in metrics if isinstance(each, SetMetric)]
    per_face = [each for each in metrics if not isinstance(each, SetMetric)]
    measures = tuple(measure for metric in per_face for measure in metric.measures)
    tallies = [_Tally(method) for method in (find_method(BLURRED, test_set), *methods)]
    sharp_features: list[list[Tensor]] = []
    groups: list[list[Group]] = [[] for _ in breakdowns]
    done = 0
    for faces in _batches(test_set, batch_size):
        names = [face.name for face in faces]
        blurred = np.stack([face.blurred for face in faces])
        readers = [metric.prepare(faces) for metric in per_face]
        sharp = np.stack([face.sharp for face in faces])
        sharp_features.append([metric.features(sharp) for metric in of_sets])
        for tally in tallies:
            restored = _restored(tally.method, names, blurred)
            tally.values.append(tuple(value for read in readers for value in read(restored)))
            tally.features.append([metric.features(restored) for metric in of_sets])
        for breakdown, found in zip(breakdowns, groups, strict=True):
            found += [breakdown.group(test_set, done + place, face) for place, face in enumerate(faces)]
        done += len(faces)
        advance(len(faces))
    return Evaluation(
        test_set,
        measures,
        tuple(_note(metric, len(test_set)) for metric in metrics),
        tuple(
            MethodScores(
                tally.method.name,
                tally.method.source,
                tally.all_values(measures),
                _distances(of_sets, tally.features, sharp_features, seed),
            )
            for tally in tallies
        ),
        seed,
        tuple((breakdown, tuple(found)) for breakdown, found in zip(breakdowns, groups, strict=True)),
        tuple(measure for metric in of_sets for measure in metric.set_measures),
    )


def _note(metric: Metric | SetMetric, faces: int) -> str:
    if isinstance(metric, SetMetric):
        return f"{metric.description}; N = {faces}: compare only figures of equal N"
    return metric.description


class _Tally:
    """The values and the features of one method so far, a batch an item."""

    def __init__(self, method: Method) -> None:
        self.method = method
        self.values: list[tuple[Values, ...]] = []
        self.features: list[list[Tensor]] = []

    def all_values(self, measures: Sequence[Measure]) -> tuple[Values, ...]:
        """Join the batches, and return the values of each measure."""
        columns = zip(*self.values, strict=True)
        return tuple(measure.of_all(np.concatenate(parts)) for measure, parts in zip(measures, columns, strict=True))


def _distances(
    metrics: Sequence[SetMetric], restored: Sequence[Sequence[Tensor]], sharp: Sequence[Sequence[Tensor]], seed: int
) -> tuple[float, ...]:
    """Return the figures of all set metrics; features are by batch and metric."""
    columns = zip(metrics, zip(*restored, strict=True), zip(*sharp, strict=True), strict=True)
    return tuple(
        figure
        for metric, own, true in columns
        for figure in metric.distances(torch.cat(own), torch.cat(true), seed=seed)
    )


def _batches(test_set: FaceTestSet, batch_size: int) -> Iterator[list[ScoredFace]]:
    """Yield the faces in order; those of a batch have one size."""
    batch: list[ScoredFace] = []
    for index in range(len(test_set)):
        face = test_set.read(index)
        if batch and (len(batch) == batch_size or face.sharp.shape != batch[0].sharp.shape):
            yield batch
            batch = []
        batch.append(face)
    yield batch


def _restored(method: Method, names: Sequence[str], blurred: NDArray[np.uint8]) -> NDArray[np.uint8]:
    restored = method.restore(names, blurred)
    if restored.shape != blurred.shape or restored.dtype != np.uint8:
        raise ValueError(
            f"{method.name} was given uint8 faces of shape {blurred.shape} but returned "
            f"{restored.dtype} of {restored.shape}"
        )
    return restored
