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
from snadnet.metrics.base import Measure, Metric, ScoredFace, Values
from snadnet.metrics.distribution import Distribution, InceptionScores, inception_scores


@dataclass(frozen=True, eq=False)
class MethodScores:
    """The scores of one method.

    Attributes:
        name: Its name in tables.
        source: Its origin.
        values: The values of the N faces for each measure of the evaluation.
        inception: FID and KID, or None if they were left out.
    """

    name: str
    source: str
    values: tuple[Values, ...]
    inception: InceptionScores | None


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
    """

    test_set: FaceTestSet
    measures: tuple[Measure, ...]
    notes: tuple[str, ...]
    methods: tuple[MethodScores, ...]
    seed: int
    groups: tuple[tuple[Breakdown, tuple[Group, ...]], ...] = ()

    @property
    def blurred(self) -> MethodScores:
        """The scores of the blurred input itself."""
        return self.methods[0]


def score(
    methods: Sequence[Method],
    test_set: FaceTestSet,
    metrics: Sequence[Metric | Distribution],
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
        seed: Seed of KID's subsets.
        advance: Called after each batch with its number of faces.

    Raises:
        SnadnetError: If a face cannot be read or restored.
        ValueError: If a method returns another shape than it was given.
    """
    distribution = next((each for each in metrics if isinstance(each, Distribution)), None)
    per_face = [each for each in metrics if not isinstance(each, Distribution)]
    tallies = [_Tally(method) for method in (find_method(BLURRED, test_set), *methods)]
    sharp_features: list[Tensor] = []
    groups: list[list[Group]] = [[] for _ in breakdowns]
    done = 0
    for faces in _batches(test_set, batch_size):
        names = [face.name for face in faces]
        blurred = np.stack([face.blurred for face in faces])
        readers = [metric.prepare(faces) for metric in per_face]
        if distribution is not None:
            sharp_features.append(distribution.features(np.stack([face.sharp for face in faces])))
        for tally in tallies:
            restored = _restored(tally.method, names, blurred)
            tally.values.append(tuple(value for read in readers for value in read(restored)))
            if distribution is not None:
                tally.features.append(distribution.features(restored))
        for breakdown, found in zip(breakdowns, groups, strict=True):
            found += [breakdown.group(test_set, done + place, face) for place, face in enumerate(faces)]
        done += len(faces)
        advance(len(faces))
    return Evaluation(
        test_set,
        tuple(measure for metric in per_face for measure in metric.measures),
        tuple(_note(metric, len(test_set)) for metric in metrics),
        tuple(tally.scores(sharp_features, seed) for tally in tallies),
        seed,
        tuple((breakdown, tuple(found)) for breakdown, found in zip(breakdowns, groups, strict=True)),
    )


def _note(metric: Metric | Distribution, faces: int) -> str:
    if isinstance(metric, Distribution):
        return f"{metric.description}; N = {faces}: compare only figures of equal N"
    return metric.description


class _Tally:
    """The values and Inception features of one method so far, a batch an item."""

    def __init__(self, method: Method) -> None:
        self.method = method
        self.values: list[tuple[Values, ...]] = []
        self.features: list[Tensor] = []

    def scores(self, sharp_features: Sequence[Tensor], seed: int) -> MethodScores:
        """Join the batches; FID and KID if there are features of the sharp faces."""
        inception = None
        if sharp_features:
            inception = inception_scores(torch.cat(self.features), torch.cat(list(sharp_features)), seed=seed)
        joined = tuple(np.concatenate(parts) for parts in zip(*self.values, strict=True))
        return MethodScores(self.method.name, self.method.source, joined, inception)


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
