"""Reports of evaluations in every form."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from snadnet.evaluation.breakdown import BREAKDOWNS, Group
from snadnet.evaluation.report.report import Report
from snadnet.evaluation.report.summary import summarize
from snadnet.evaluation.runner import Evaluation, MethodScores
from snadnet.evaluation.statistics import Resampling
from snadnet.evaluation.test_set import FaceTestSet
from snadnet.metrics.distribution import Distribution
from snadnet.metrics.fidelity import L1, PSNR
from snadnet.metrics.landmarks import LANDMARK_ERROR


def scores(name, psnr, l1, landmarks, distances):
    return MethodScores(name, f"{name}.onnx", (np.array(psnr), np.array(l1), np.array(landmarks)), distances)


@pytest.fixture(scope="module")
def summary():
    faces = FaceTestSet("celeba:faces", "celeba", "celeba: 160 px", ("a", "b"), (13, 29), False, True, lambda _: None)
    methods = (
        scores("blurred input", [20.0, 22.0], [6.0, 5.0], [7.0, np.nan], (90.0, 0.08, 0.001)),
        scores("ours", [23.0, 21.5], [4.0, 5.5], [3.0, 4.0], (12.345, 0.0123, 0.001)),
        scores("a_b", [22.0, 23.0], [4.0, 4.0], [5.0, 5.0], (20.0, 0.02, 0.001)),
    )
    groups = ((BREAKDOWNS["kernel"], (Group(13, "13"), Group(29, "29"))),)
    evaluation = Evaluation(
        faces, (PSNR, L1, LANDMARK_ERROR), ("how it was measured",), methods, 0, groups, Distribution.set_measures
    )
    return summarize(evaluation, Resampling(count=100))


def rows(text, title):
    """The cells of the lines under a title, up to an empty line."""
    return [line.split() for line in text.partition(f"\n{title}\n")[2].partition("\n\n")[0].splitlines()]


def test_the_text_states_the_protocol_and_begins_with_the_blurred_input(summary):
    text = Report(summary, ["$ snadnet evaluate"]).to_text()
    lines = text.splitlines()
    assert lines[0] == "$ snadnet evaluate"
    assert "test set: celeba:faces, 2 faces, a to b" in lines
    assert "protocol: celeba: 160 px" in lines
    assert "ours: ours.onnx" in lines
    assert "how it was measured" in lines
    assert any("100 draws, seed 0" in line for line in lines)
    table = rows(text, "Means over 2 faces")
    assert (
        " ".join(table[0]) == "method PSNR dB L1 % landmarks % gain dB made worse FID KID x 1000 KID deviation x 1000"
    )
    assert " ".join(table[1]) == "blurred input 21.00 5.50 7.00 - - 90.00 80.00 1.00"
    assert " ".join(table[2]) == "ours 22.25 4.75 3.50 +1.25 50.0 % 12.35 12.30 1.00"
    assert " ".join(rows(text, "95 % intervals")[1][:5]) == "blurred input 20.00 to 22.00"
    assert "paper" not in text


def test_the_first_method_is_compared_with_the_others(summary):
    title = "Paired differences; p of the two-sided Wilcoxon signed-rank test over the faces, each test by itself"
    table = rows(Report(summary).to_text(), title)
    assert [" ".join(row[:5]) for row in table[1:]] == [
        "ours - a_b PSNR dB",
        "ours - a_b L1 %",
        "ours - a_b landmarks %",
    ]
    assert "-0.25" in table[1]


def test_groups_and_the_papers_figures_come_when_asked_for(summary):
    text = Report(summary, paper=True).to_text()
    by_kernel = rows(text, "PSNR by the size of the blur kernel")
    assert " ".join(by_kernel[1]) == "13 1 20.00 23.00 +3.00 0.0 % 22.00 +2.00 0.0 %"
    assert " ".join(by_kernel[2]) == "29 1 22.00 21.50 -0.50 100.0 % 23.00 +1.00 0.0 %"
    paper = rows(text, "The paper's own figures (Table II), on its own faces and kernels: not measured here")
    assert ["SNADNet", "30.08", "0.945", "2.21", "3.25"] in paper


def test_csv_has_a_line_for_each_face_and_method(summary):
    lines = list(csv.DictReader(io.StringIO(Report(summary).to_csv())))
    assert len(lines) == 6
    assert lines[0] == {
        "face": "a",
        "kernel_px": "13",
        "method": "blurred input",
        "psnr": "20",
        "l1_percent": "6",
        "landmark_error_percent": "7",
    }
    assert lines[3]["landmark_error_percent"] == ""


def test_json_holds_the_figures_in_full(summary):
    document = json.loads(Report(summary, ["$ snadnet"], paper=True).to_json())
    assert document["schema"] == 3
    assert document["test_set"] == {
        "source": "celeba:faces",
        "protocol": "celeba",
        "description": "celeba: 160 px",
        "faces": 2,
    }
    blurred, ours, _ = document["methods"]
    assert blurred["psnr_gain"] is None
    assert ours["psnr_gain"]["value"] == 1.25
    assert ours["psnr"]["value"] == 22.25
    assert len(ours["psnr"]["interval"]) == 2
    assert ours["distances"] == {"fid": 12.345, "kid": 0.0123, "kid_deviation": 0.001}
    assert [each["metric"] for each in document["comparisons"]] == ["psnr", "l1_percent", "landmark_error_percent"]
    assert document["groups"]["kernel"][1] == {
        "group": "29",
        "faces": 1,
        "psnr": [22.0, 21.5, 23.0],
        "worse_shares": [1.0, 0.0],
        "equal": 0,
        "psnr_of_rest": [22.0, 21.5, 23.0],
    }
    assert document["header"][:2] == ["$ snadnet", "test set: celeba:faces, 2 faces, a to b"]
    assert document["paper"][-1]["method"] == "ablation (f): LinkNet + SNAD + TE, global discriminator only"
    assert any("Table III" in note for note in document["paper_notes"])


def test_what_is_doubtful_in_the_papers_figures_is_said_where_they_are_printed(summary):
    report = Report(summary, paper=True)
    text = report.to_text()
    second, third = text.index("(Table II)"), text.index("(Table III)")
    slip, caption = text.index("21.78 dB in Table I (CelebA-HQ"), text.index("caption of Table III says CelebA-HQ")
    assert second < slip < third < caption
    assert "one is likely a slip" in text
    assert "SNAD + TE, global discriminator only" in text[third:caption]
    assert "one is likely a slip" in report.to_markdown()
    assert "one is likely a slip" in report.to_latex()


@pytest.fixture(scope="module")
def with_equal_faces():
    """Four faces: "ours" equals the truth on two; the blurred input is the truth itself on one."""
    faces = FaceTestSet(
        "celeba:faces", "celeba", "celeba: 160 px", tuple("abcd"), (13, 13, 29, 29), False, True, lambda _: None
    )
    methods = (
        MethodScores("blurred input", "", (np.array([20.0, 22.0, 24.0, np.inf]),), ()),
        MethodScores("ours", "ours.onnx", (np.array([np.inf, 25.0, 27.0, np.inf]),), ()),
        MethodScores("truth", "sharp", (np.full(4, np.inf),), ()),
    )
    groups = ((BREAKDOWNS["kernel"], tuple(Group(size, str(size)) for size in (13, 13, 29, 29))),)
    return summarize(Evaluation(faces, (PSNR,), (), methods, 0, groups), Resampling(count=50))


def test_faces_equal_to_their_sharp_image_are_counted_and_the_rest_has_figures(with_equal_faces):
    blurred, ours, truth = with_equal_faces.rows
    assert [row.equal for row in with_equal_faces.rows] == [1, 2, 4]
    assert [row.estimates[0].value for row in with_equal_faces.rows] == [np.inf] * 3
    assert (blurred.psnr_of_rest.value, ours.psnr_of_rest.value) == (22.0, 26.0)
    assert np.isnan(truth.psnr_of_rest.value)
    assert ours.gain.value == 3.0  # of the two faces that are finite under both
    assert (ours.worse_share, truth.worse_share, truth.gain) == (0.0, 0.0, None)
    text = Report(with_equal_faces).to_text()
    assert "nan" not in text
    title = "Faces equal to their sharp image, whose PSNR is infinite, and the mean PSNR of the rest"
    table = [" ".join(row[:5]) for row in rows(text, title)]
    assert table[1:4] == ["blurred input 1 3 22.00", "ours 2 2 26.00 25.00", "truth 4 0 - -"]


def test_groups_with_equal_faces_have_figures_over_the_rest(with_equal_faces):
    without_truth = replace(with_equal_faces.evaluation, methods=with_equal_faces.evaluation.methods[:2])
    report = Report(summarize(without_truth, Resampling(count=0)))
    table = rows(report.to_text(), "PSNR by the size of the blur kernel")
    assert [" ".join(row) for row in table[:3]] == [
        "kernel px N equal blurred input dB ours dB gain dB made worse",
        "13 2 1 22.00 25.00 +3.00 0.0 %",
        "29 2 1 24.00 27.00 +3.00 0.0 %",
    ]
    first = json.loads(report.to_json())["groups"]["kernel"][0]
    assert (first["psnr"], first["equal"], first["psnr_of_rest"]) == ([21.0, None], 1, [22.0, 25.0])
    all_equal = rows(Report(with_equal_faces).to_text(), "PSNR by the size of the blur kernel")
    assert " ".join(all_equal[1]) == "13 2 2 - - - 0.0 % - - 0.0 %"
