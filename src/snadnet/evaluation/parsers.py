"""Scoring face parsers on sharp and on blurred faces, by class (the claim of the paper's Fig. 7)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from snadnet.data.image_folder import UNLABELLED
from snadnet.errors import DataError
from snadnet.evaluation.instruments import parsed
from snadnet.evaluation.methods import default_name, name_and_place, weights_file
from snadnet.evaluation.report.tables import Document, Table
from snadnet.evaluation.test_set import FaceTestSet
from snadnet.inference import load_parser
from snadnet.metrics.segmentation import ConfusionMatrix


@dataclass(frozen=True)
class ParserScores:
    """What a parser called the pixels of a test set's faces, against their labels."""

    name: str
    sharp: ConfusionMatrix
    blurred: ConfusionMatrix


def evaluate_parsers(
    named: Sequence[str],
    test_set: FaceTestSet,
    *,
    device: torch.device,
    advance: Callable[[int], None] = lambda _: None,
) -> list[ParserScores]:
    """Count the pixels of each face, sharp and blurred, by true and predicted class.

    Args:
        named: The parsers' ``.safetensors`` files, or releases, as for :func:`find_method`.
        test_set: Faces with labels.
        device: Where the parsers run.
        advance: Told of each face.

    Raises:
        DataError: The test set has no labels, or a face cannot be read.
        WeightsError: A file is missing, damaged or no parser's.
    """
    if not test_set.labelled:
        raise DataError(f"{test_set.source}: has no label maps to score parsers by; add them, or give --labels")
    parsers, scores = [], []
    for text in named:
        name, place = name_and_place(text)
        file = weights_file(place)
        parsers.append(load_parser(file, "cpu").to(device))
        scores.append(ParserScores(name or default_name(file), ConfusionMatrix(), ConfusionMatrix()))
    for index in range(len(test_set)):
        face = test_set.read(index)
        # A frozen test set may have labels for some faces only.
        if face.labels is not None:
            labels = torch.from_numpy(face.labels.astype(np.int64))[None]
            for parser, score in zip(parsers, scores, strict=True):
                for matrix, picture in ((score.sharp, face.sharp), (score.blurred, face.blurred)):
                    matrix.update(parsed(parser, picture, device), labels, unknown=UNLABELLED)
        advance(1)
    return scores


def parser_document(scores: Sequence[ParserScores], test_set: FaceTestSet, *, header: Sequence[str] = ()) -> Document:
    """Mean IoU of each parser on sharp and on blurred faces, and the IoU of each class."""
    lines = (
        *header,
        f"test set: {test_set.source}, {len(test_set)} faces, {test_set.names[0]} to {test_set.names[-1]}",
        f"protocol of the blurred faces: {test_set.description}",
        "mIoU: pixels pooled over the faces, mean over the classes that occur, left and right merged",
    )
    means = tuple(
        (
            each.name,
            f"{each.sharp.mean_iou(merge_left_right=True):.4f}",
            f"{each.blurred.mean_iou(merge_left_right=True):.4f}",
        )
        for each in scores
    )
    columns = ["class", *(f"{each.name}, {what}" for each in scores for what in ("sharp", "blurred"))]
    ious = [matrix.class_ious(merge_left_right=True) for each in scores for matrix in (each.sharp, each.blurred)]
    classes = tuple((row[0].name, *(f"{each.iou:.4f}" for each in row)) for row in zip(*ious, strict=True))
    return Document(
        lines,
        (
            Table("Mean IoU", ("parser", "mIoU sharp", "mIoU blurred"), means),
            Table("IoU of each class", tuple(columns), classes),
        ),
    )
