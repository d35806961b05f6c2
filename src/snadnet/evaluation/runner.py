"""Score restoration methods on a test set, face by face, always beside the blurred input itself (SPEC 12).

Faces are read a batch at a time and only readings are kept, so that memory hardly grows with their number.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snadnet.evaluation.breakdown import Group, Grouping
from snadnet.evaluation.inception import InceptionFeatures, InceptionScores, inception_scores
from snadnet.evaluation.instruments import Instrument
from snadnet.evaluation.methods import BLURRED, Method, find_method
from snadnet.evaluation.metrics import Metric, Readings
from snadnet.evaluation.test_set import FaceTestSet, ScoredFace


@dataclass(frozen=True, eq=False)
class MethodScores:
    """What one method scored.

    Attributes:
        name: Its name in tables.
        source: What it is made of.
        readings: For each metric of the evaluation the readings of the N faces.
        inception: FID and KID, or None if they were left out.
    """

    name: str
    source: str
    readings: tuple[Readings, ...]
    inception: InceptionScores | None


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What several methods scored on one test set.

    Attributes:
        test_set: The test set.
        metrics: What was measured of each face.
        notes: How it was measured and what was left out, a line each.
        methods: The scores; the blurred input's come first.
        seed: Settles everything random, here KID's subsets.
        groups: The ways in which the faces are told apart, and the group of each of the N faces.
    """

    test_set: FaceTestSet
    metrics: tuple[Metric, ...]
    notes: tuple[str, ...]
    methods: tuple[MethodScores, ...]
    seed: int
    groups: tuple[tuple[Grouping, tuple[Group, ...]], ...] = ()

    @property
    def blurred(self) -> MethodScores:
        """The scores of the blurred input itself."""
        return self.methods[0]


def evaluate(
    methods: Sequence[Method],
    test_set: FaceTestSet,
    instruments: Sequence[Instrument],
    *,
    inception: InceptionFeatures | None = None,
    groupings: Sequence[Grouping] = (),
    batch_size: int = 8,
    seed: int = 0,
    advance: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """Restore each face of a test set by each method, and read every result.

    Args:
        methods: The methods; the blurred input is added at their head.
        test_set: The faces.
        instruments: What reads the results.
        inception: Computes the features for FID and KID; None leaves these out.
        groupings: The ways to tell the faces apart.
        batch_size: Faces at a time; no score depends on it.
        seed: Settles KID's subsets.
        advance: Told of so many more faces after each batch.

    Raises:
        SnadnetError: A face cannot be read or restored.
        ValueError: A method returned another shape than it was given.
    """
    rows = [find_method(BLURRED, test_set), *methods]
    readings: list[list[tuple[Readings, ...]]] = [[] for _ in rows]
    features: list[list[Tensor]] = [[] for _ in rows]
    sharp_features: list[Tensor] = []
    groups: list[list[Group]] = [[] for _ in groupings]
    done = 0
    for faces in _batches(test_set, batch_size):
        names = [face.name for face in faces]
        blurred = np.stack([face.blurred for face in faces])
        readers = [instrument.against(faces) for instrument in instruments]
        if inception is not None:
            sharp_features.append(inception(np.stack([face.sharp for face in faces])))
        for number, method in enumerate(rows):
            restored = _restored(method, names, blurred)
            readings[number].append(tuple(reading for read in readers for reading in read(restored)))
            if inception is not None:
                features[number].append(inception(restored))
        for grouping, found in zip(groupings, groups, strict=True):
            found += [grouping.group(test_set, done + place, face) for place, face in enumerate(faces)]
        done += len(faces)
        advance(len(faces))
    scores = tuple(
        MethodScores(
            method.name,
            method.source,
            tuple(np.concatenate(parts) for parts in zip(*read, strict=True)),
            None if inception is None else inception_scores(torch.cat(seen), torch.cat(sharp_features), seed=seed),
        )
        for method, read, seen in zip(rows, readings, features, strict=True)
    )
    notes = [instrument.description for instrument in instruments]
    if inception is not None:
        notes.append(f"{inception.description}; N = {len(test_set)}: compare only figures of equal N")
    metrics = tuple(metric for instrument in instruments for metric in instrument.metrics)
    told_apart = tuple((grouping, tuple(found)) for grouping, found in zip(groupings, groups, strict=True))
    return Evaluation(test_set, metrics, tuple(notes), scores, seed, told_apart)


def _batches(test_set: FaceTestSet, batch_size: int) -> Iterator[list[ScoredFace]]:
    """The faces in order; those of a batch have one size."""
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
