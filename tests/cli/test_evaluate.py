"""``snadnet evaluate`` from the command line to its files, on a frozen test set."""

import csv
import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from snadnet.cli.app import app
from snadnet.data.blurs import TrajectoryBlur
from snadnet.data.image_folder import list_faces
from snadnet.data.protocols import Protocol
from snadnet.data.test_sets import freeze_face, write_manifest
from snadnet.errors import ConfigError, DataError, ModelError, OutputExistsError, WeightsError
from snadnet.evaluation import FaceTestSet
from snadnet.metrics import identity, kernel_distance
from snadnet.models import create_network, save_network
from support.face_data import make_faces

SMALL = Protocol("celeba", 64, TrajectoryBlur(sizes=(5, 9), seeds=range(10)), noise_sigma=0.02, seed=5)


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    faces = list_faces(*make_faces(folder, 3))
    output = folder / "frozen"
    write_manifest(output, SMALL, [freeze_face(face, number, SMALL, output) for number, face in enumerate(faces)])
    return output


def run(*arguments):
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)], catch_exceptions=False)


def refused(*arguments):
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments)])
    assert result.exit_code != 0
    return result.exception


def test_methods_are_scored_and_written_in_every_form(frozen, tiny_network, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for path in (frozen / "sharp").iterdir():
        Image.fromarray(np.asarray(Image.open(path)) // 2 + 60).save(other / path.name)
    outputs = [tmp_path / f"scores{suffix}" for suffix in (".txt", ".md", ".tex", ".json", ".csv")]
    options = ["--on", frozen, "--resamples", 20, "--by", "kernel", "--by", "glasses", "--paper"]
    result = run("blurred", f"ours={tiny_network}", other, *options, *(f"-o{path}" for path in outputs))
    assert result.exit_code == 0, result.output
    assert f"test set: {frozen}, 3 faces, 000 to 002" in result.stdout
    assert f"protocol: {SMALL}" in result.stdout
    assert "LPIPS: left out" in result.stdout
    assert "FID, KID: left out" in result.stdout
    assert "mIoU: parser bisenet-small-sharp.safetensors against the test set's labels" in result.stdout
    table = result.stdout.partition("Means over 3 faces\n")[2].splitlines()
    assert [line.split("  ")[0] for line in table[1:4]] == ["blurred input", "ours", "other"]
    assert "PSNR by the size of the blur kernel" in result.stdout
    assert "not measured here" in result.stdout
    assert outputs[0].read_text() == result.stdout
    assert "| ours |" in " ".join(outputs[1].read_text().split())
    assert "\\begin{tabular}" in outputs[2].read_text()
    document = json.loads(outputs[3].read_text())
    assert [each["name"] for each in document["methods"]] == ["blurred input", "ours", "other"]
    assert len(list(csv.reader(outputs[4].open()))) == 1 + 3 * 3
    assert isinstance(refused("blurred", "--on", frozen, "-o", outputs[0]), OutputExistsError)


def test_the_quick_look_needs_no_frozen_set_and_prints_json(frozen):
    faces = frozen.parent / "images"
    for path in faces.iterdir():
        if Image.open(path).width < 256:
            Image.open(path).resize((256, 256)).save(path)
    result = run("blurred", "--on", f"sharp:{faces}", "--only-fidelity", "--last", 1, "--format", "json")
    document = json.loads(result.stdout)
    assert document["test_set"]["faces"] == 1
    assert document["methods"][0]["ssim"]["value"] == pytest.approx(1)
    assert document["methods"][0]["psnr"]["value"] is None  # infinite
    assert "mean_iou" not in document["methods"][0]


def test_parsers_are_scored_by_a_verb_of_their_own(frozen, tmp_path):
    parser = tmp_path / "parser.safetensors"
    save_network(parser, create_network("bisenet-small"), "bisenet-small")

    def invoke(*arguments):
        return CliRunner().invoke(app, [*map(str, arguments), "--on", str(frozen)])

    output = tmp_path / "scores.md"
    result = invoke("evaluate-parsers", parser, f"other={parser}", "-o", output)
    assert result.exit_code == 0, result.output
    assert "parser mIoU sharp mIoU blurred" in " ".join(result.stdout.split())
    assert "| other |" in " ".join(output.read_text().split())
    assert isinstance(invoke("evaluate-parsers", parser, "--format", "json").exception, ConfigError)
    assert invoke("evaluate-parsers", parser, "-o", "scores.csv").exit_code == 2
    refused = invoke("evaluate", parser).exception
    assert isinstance(refused, ModelError)
    assert "is a face parser" in str(refused)
    assert "snadnet evaluate-parsers" in str(refused)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--inception", "MISSING.pth"], "MISSING.pth"),
        (["--metric", "distribution"], "FID, KID"),
        (["--lpips", "MISSING.pth"], "MISSING.pth"),
        (["--metric", "lpips"], "LPIPS"),
        (["--embedding", "MISSING.onnx"], "MISSING.onnx"),
        (["--metric", "identity"], "snadnet[identity]"),
        (["--metric", "kernel-distance"], "snadnet[kernel-distance]"),
    ],
)
def test_what_is_asked_for_by_name_and_cannot_be_had_ends_the_command(frozen, arguments, named, monkeypatch):
    for module in (identity, kernel_distance):
        monkeypatch.setattr(module, "find_spec", lambda _: None)  # as if no extra were installed
    monkeypatch.setattr(FaceTestSet, "read", None, raising=False)  # nothing is restored before
    error = refused("blurred", "--on", frozen, *arguments)
    assert isinstance(error, ConfigError | WeightsError)
    assert named in str(error)
    assert "\n" not in str(error)


def test_metrics_are_chosen_by_name(frozen):
    result = run("blurred", "--on", frozen, "--metric", "landmarks", "--resamples", 0, "--format", "json")
    method = json.loads(result.stdout)["methods"][0]
    assert {"psnr", "ssim", "l1_percent", "found"} <= method.keys()
    assert "mean_iou" not in method
    assert "left out" not in result.stdout
    assert isinstance(refused("blurred", "--on", frozen, "--metric", "fid"), ConfigError)


def test_a_changed_image_is_named_and_nothing_is_written(frozen, tmp_path):
    copy = tmp_path / "copy"
    for path in frozen.rglob("*.*"):
        target = copy / path.relative_to(frozen)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(copy / "blurred" / "001.png")
    error = refused("blurred", "--on", copy, "--only-fidelity", "-o", tmp_path / "scores.md")
    assert isinstance(error, DataError)
    assert "001.png" in str(error)
    assert not (tmp_path / "scores.md").exists()


def test_an_output_of_an_unknown_ending_is_refused(frozen):
    assert run("blurred", "--on", frozen, "-o", "scores.doc").exit_code == 2
