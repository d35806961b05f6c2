"""``evaluation.evaluate``: one call from methods, a test set and metrics to a report."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from snadnet.data.blurs import LinearBlur
from snadnet.data.protocols import Protocol
from snadnet.errors import ConfigError, DataError, ModelError, WeightsError
from snadnet.evaluation import Method, MetricOptions, Resampling, evaluate
from snadnet.evaluation.test_set import blurred_on_the_fly
from snadnet.metrics.base import SetMeasure, SetMetric, averaged
from snadnet.metrics.fidelity import Fidelity
from snadnet.models import create_network, save_network
from support.face_data import make_faces

SMALL = Protocol("small", 48, LinearBlur(length=9, angle=30), noise_sigma=0.02, seed=5)
FEW = Resampling(count=20)


@pytest.fixture(scope="module")
def small_set(tmp_path_factory):
    images, labels = make_faces(tmp_path_factory.mktemp("faces"), 4)
    return blurred_on_the_fly(SMALL, images, labels=labels)


class Brightness:
    """A metric of one's own."""

    measures = (averaged("brightness", "brightness", 1, higher_is_better=True),)
    description = "brightness: mean of the restored face"

    def prepare(self, faces):
        del faces
        return lambda restored: (restored.mean(axis=(1, 2, 3)),)


def darker(blurred):
    return blurred // 2


def test_files_folders_functions_and_methods_are_scored_in_one_call(small_set, tiny_network, tmp_path):
    for index, name in enumerate(small_set.names):
        Image.fromarray(small_set.read(index).sharp).save(tmp_path / f"{name}.png")
    bright = Method("bright", "a test", lambda _, blurred: np.full_like(blurred, 255))
    advanced = []
    report = evaluate(
        [tiny_network, f"truth={tmp_path}", darker, bright, "blurred"],
        small_set,
        ["fidelity", Brightness()],
        by=["kernel"],
        resampling=FEW,
        header=["a header"],
        advance=advanced.append,
    )
    rows = report.summary.rows
    assert [row.name for row in rows] == ["blurred input", "tiny", "truth", "darker", "bright"]
    assert rows[2].equal == 4
    assert rows[4].estimates[3].value == 255
    assert sum(advanced) == 4
    document = json.loads(report.to_json())
    assert document["methods"][4]["brightness"]["value"] == 255
    assert document["header"][0] == "a header"
    assert "brightness: mean of the restored face" in document["notes"]
    for text in (report.to_text(), report.to_markdown(), report.to_latex()):
        assert "darker" in text
        assert "a header" in text
    assert len(list(csv.reader(io.StringIO(report.to_csv())))) == 1 + 4 * 5


def test_a_test_set_is_named_as_on_the_command_line(tmp_path):
    images, _ = make_faces(tmp_path, 2, size=256)
    report = evaluate([], f"sharp:{images}", ["fidelity"], resampling=FEW)
    assert report.summary.rows[0].equal == 2
    with pytest.raises(DataError, match="no such test set"):
        evaluate([], tmp_path / "nowhere")


def test_everything_named_is_opened_before_the_first_face(small_set, tmp_path, tiny_network):
    def fails(blurred):
        raise AssertionError("ran")

    missing = tmp_path / "missing.onnx"
    with pytest.raises(WeightsError, match=r"missing\.onnx"):
        evaluate([fails, missing], small_set, ["fidelity"])
    with pytest.raises(WeightsError, match=r"missing\.onnx"):
        evaluate([fails], small_set, options=MetricOptions(embedding=missing))
    with pytest.raises(WeightsError, match=r"missing\.onnx"):
        evaluate([fails], small_set, options=MetricOptions(parser=missing))
    with pytest.raises(ConfigError, match="--lpips"):
        evaluate([fails], small_set, ["lpips"])
    with pytest.raises(ConfigError, match="two methods are called 'tiny'"):
        evaluate([fails, tiny_network, tiny_network], small_set, ["fidelity"])
    with pytest.raises(ConfigError, match="choose of: kernel"):
        evaluate([fails], small_set, ["fidelity"], by=["age"])
    with pytest.raises(ConfigError, match="two metrics measure 'brightness'"):
        evaluate([fails], small_set, [Brightness(), Brightness()])
    with pytest.raises(ConfigError, match="two metrics measure 'mean_difference'"):
        evaluate([fails], small_set, [MeanDifference(), MeanDifference()])
    parser = tmp_path / "parser.safetensors"
    save_network(parser, create_network("bisenet-small"), "bisenet-small")
    with pytest.raises(ModelError, match="snadnet evaluate-parsers"):
        evaluate([fails, parser], small_set, ["fidelity"])


class MeanDifference(SetMetric):
    """The difference of the sets' mean brightness."""

    set_measures = (SetMeasure("mean_difference", "difference x 10", 1, 10),)
    description = "mean difference"

    def features(self, images):
        return torch.from_numpy(images.mean(axis=(1, 2, 3)))[:, None]

    def distances(self, restored, sharp, *, seed):
        assert len(restored) == len(sharp) == 4
        return (float(restored.mean() - sharp.mean()),)


def test_metrics_of_whole_sets_see_all_faces_at_once(small_set):
    ranks = replace(
        averaged("rank", "rank", 0, higher_is_better=True), of_all=lambda values: values.argsort().argsort()
    )
    brightness = Brightness()
    brightness.measures = (ranks,)
    report = evaluate(
        [Method("darker", "a test", lambda _, blurred: blurred // 2)],
        small_set,
        [brightness, MeanDifference()],
        resampling=Resampling(count=0),
        batch_size=3,
    )
    blurred, darker = report.summary.evaluation.methods
    assert sorted(blurred.values[-1]) == [0, 1, 2, 3]
    document = json.loads(report.to_json())
    assert [each["distances"].keys() for each in document["methods"]] == [{"mean_difference"}] * 2
    assert document["methods"][1]["distances"]["mean_difference"] == pytest.approx(darker.distances[0])
    assert f"{10 * darker.distances[0]:.1f}" in report.to_text()
    assert "mean difference; N = 4" in report.to_text()


def test_what_is_left_out_is_a_note_and_fidelity_is_measured_once(small_set):
    report = evaluate([], small_set, resampling=Resampling(count=0))
    assert any(note.startswith("FID, KID: left out") for note in report.summary.evaluation.notes)
    report = evaluate([], small_set, [Fidelity(), "fidelity"], resampling=Resampling(count=0))
    assert [measure.key for measure in report.summary.evaluation.measures] == ["psnr", "ssim", "l1_percent"]
