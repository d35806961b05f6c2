"""Evaluation of face parsers on sharp and on blurred faces, by class (paper, Fig. 7)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from snadnet.data.image_folder import UNLABELLED
from snadnet.errors import DataError
from snadnet.evaluation.methods import default_name, name_and_place
from snadnet.evaluation.test_set import FaceTestSet, find_test_set
from snadnet.inference import Device, load_parser
from snadnet.metrics.parsing import ConfusionMatrix, parse
from snadnet.tables import Document, Table, TabulatedReport


@dataclass(frozen=True)
class ParserScores:
    """The pixel counts of one parser on a test set, by true and predicted class.

    Attributes:
        name: Its name in tables.
        sharp: Counts of the sharp faces.
        blurred: Counts of the blurred faces.
    """

    name: str
    sharp: ConfusionMatrix
    blurred: ConfusionMatrix


@dataclass(frozen=True, eq=False)
class ParserReport(TabulatedReport):
    """The result of ``evaluate_parsers``.

    Attributes:
        scores: The parsers.
        test_set: The test set.
        header: Lines that every form begins with, such as the command and the machine.
    """

    scores: tuple[ParserScores, ...]
    test_set: FaceTestSet
    header: Sequence[str] = ()

    def _document(self) -> Document:
        """Mean IoU of each parser on sharp and on blurred faces, and the IoU of each class."""
        names = self.test_set.names
        lines = (
            *self.header,
            f"test set: {self.test_set.source}, {len(self.test_set)} faces, {names[0]} to {names[-1]}",
            f"protocol of the blurred faces: {self.test_set.description}",
            "mIoU: pixels pooled over the faces, mean over the classes that occur, left and right merged",
        )
        means = tuple(
            (each.name, *(f"{matrix.mean_iou(merge_left_right=True):.4f}" for matrix in (each.sharp, each.blurred)))
            for each in self.scores
        )
        columns = ["class", *(f"{each.name}, {what}" for each in self.scores for what in ("sharp", "blurred"))]
        matrices = [matrix for each in self.scores for matrix in (each.sharp, each.blurred)]
        ious = [matrix.class_ious(merge_left_right=True) for matrix in matrices]
        classes = tuple((row[0].name, *(f"{each.iou:.4f}" for each in row)) for row in zip(*ious, strict=True))
        return Document(
            lines,
            (
                Table("Mean IoU", ("parser", "mIoU sharp", "mIoU blurred"), means),
                Table("IoU of each class", tuple(columns), classes),
            ),
        )


def evaluate_parsers(
    parsers: Sequence[str | Path],
    test_set: str | Path | FaceTestSet,
    *,
    device: Device = "auto",
    header: Sequence[str] = (),
    advance: Callable[[int], None] = lambda _: None,
) -> ParserReport:
    """Score face parsers on each face of a test set, sharp and blurred, against its label map.

    Args:
        parsers: Names and files that ``snadnet.inference.load_parser`` takes; ``NAME=`` before one gives it
            another name in tables.
        test_set: A test set with label maps, as for ``snadnet.evaluation.evaluate``.
        device: Where the parsers run.
        header: Lines for the report to begin with.
        advance: Called after each face with 1.

    Raises:
        DataError: If the test set has no label maps, or a face cannot be read.
        WeightsError: If a file is missing, damaged or not of a parser.
        ModelError: If the device is not there.
    """
    if not isinstance(test_set, FaceTestSet):
        test_set = find_test_set(str(test_set))
    if not test_set.labelled:
        raise DataError(f"{test_set.source}: has no label maps to score parsers by; add them, or give --labels")
    networks, scores = [], []
    for text in map(str, parsers):
        name, place = name_and_place(text)
        networks.append(load_parser(place, device))
        scores.append(ParserScores(name or default_name(place), ConfusionMatrix(), ConfusionMatrix()))
    for index in range(len(test_set)):
        face = test_set.read(index)
        # A frozen test set may have labels for some faces only.
        if face.labels is not None:
            labels = torch.from_numpy(face.labels.astype(np.int64))[None]
            for network, each in zip(networks, scores, strict=True):
                for matrix, image in ((each.sharp, face.sharp), (each.blurred, face.blurred)):
                    matrix.update(parse(network, image), labels, unknown=UNLABELLED)
        advance(1)
    return ParserReport(tuple(scores), test_set, header)
