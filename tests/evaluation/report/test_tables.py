"""What is printed and written of an evaluation."""

import csv
import io
import json

import numpy as np
import pytest

from snadnet.evaluation.breakdown import GROUPINGS, Group
from snadnet.evaluation.inception import InceptionScores
from snadnet.evaluation.metrics import L1, LANDMARK_ERROR, PSNR
from snadnet.evaluation.report.records import as_csv, as_json
from snadnet.evaluation.report.summary import summarize
from snadnet.evaluation.report.tables import Document, Table, as_latex, as_markdown, as_text, summary_document
from snadnet.evaluation.runner import Evaluation, MethodScores
from snadnet.evaluation.statistics import Resampling
from snadnet.evaluation.test_set import FaceTestSet


def scores(name, psnr, l1, landmarks, inception=None):
    return MethodScores(name, f"{name}.onnx", (np.array(psnr), np.array(l1), np.array(landmarks)), inception)


@pytest.fixture(scope="module")
def summary():
    faces = FaceTestSet("celeba:faces", "celeba", "celeba: 160 px", ("a", "b"), (13, 29), False, True, lambda _: None)
    methods = (
        scores("blurred input", [20.0, 22.0], [6.0, 5.0], [7.0, np.nan], InceptionScores(90.0, 0.08, 0.001)),
        scores("ours", [23.0, 21.5], [4.0, 5.5], [3.0, 4.0], InceptionScores(12.345, 0.0123, 0.001)),
        scores("a_b", [22.0, 23.0], [4.0, 4.0], [5.0, 5.0], InceptionScores(20.0, 0.02, 0.001)),
    )
    groups = ((GROUPINGS["kernel"], (Group(13, "13"), Group(29, "29"))),)
    evaluation = Evaluation(faces, (PSNR, L1, LANDMARK_ERROR), ("how it was measured",), methods, 0, groups)
    return summarize(evaluation, Resampling(count=100))


def rows(text, title):
    """The cells of the lines under a title, up to an empty line."""
    return [line.split() for line in text.partition(f"\n{title}\n")[2].partition("\n\n")[0].splitlines()]


def test_the_text_states_the_protocol_and_begins_with_the_blurred_input(summary):
    text = as_text(summary_document(summary, header=["$ snadnet evaluate"]))
    lines = text.splitlines()
    assert lines[0] == "$ snadnet evaluate"
    assert "test set: celeba:faces, 2 faces, a to b" in lines
    assert "protocol: celeba: 160 px" in lines
    assert "ours: ours.onnx" in lines
    assert "how it was measured" in lines
    assert any("100 draws, seed 0" in line for line in lines)
    table = rows(text, "Means over 2 faces")
    assert " ".join(table[0]) == "method PSNR dB L1 % landmarks % gain dB made worse FID KID x 1000"
    assert " ".join(table[1]) == "blurred input 21.00 5.50 7.00 - - 90.00 80.00"
    assert " ".join(table[2]) == "ours 22.25 4.75 3.50 +1.25 50.0 % 12.35 12.30"
    assert " ".join(rows(text, "95 % intervals")[1][:5]) == "blurred input 20.00 to 22.00"
    assert "paper" not in text


def test_the_first_method_is_compared_with_the_others(summary):
    title = "Paired differences; p of the two-sided Wilcoxon signed-rank test over the faces, each test by itself"
    table = rows(as_text(summary_document(summary)), title)
    assert [" ".join(row[:5]) for row in table[1:]] == [
        "ours - a_b PSNR dB",
        "ours - a_b L1 %",
        "ours - a_b landmarks %",
    ]
    assert "-0.25" in table[1]


def test_groups_and_the_papers_figures_come_when_asked_for(summary):
    text = as_text(summary_document(summary, paper=True))
    by_kernel = rows(text, "PSNR by the size of the blur kernel")
    assert " ".join(by_kernel[1]) == "13 1 20.00 23.00 +3.00 0.0 % 22.00 +2.00 0.0 %"
    assert " ".join(by_kernel[2]) == "29 1 22.00 21.50 -0.50 100.0 % 23.00 +1.00 0.0 %"
    paper = rows(text, "The paper's own figures, on its own faces and kernels: not measured here")
    assert ["SNADNet", "30.08", "0.945", "2.21", "3.25"] in paper


def test_markdown_and_latex_have_the_cells_of_the_text():
    document = Document(("head 1 %",), (Table("A & B", ("method", "x_1"), (("a|b", "50 %"), ("~", "1"))),))
    assert as_text(document) == "head 1 %\n\nA & B\nmethod   x_1\na|b     50 %\n~          1\n"
    assert (
        as_markdown(document)
        == "- head 1 %\n\n**A & B**\n\n| method | x_1 |\n|---|---:|\n| a\\|b | 50 % |\n| ~ | 1 |\n"
    )
    assert as_latex(document) == (
        "% head 1 %\n\n\\begin{table}\n\\centering\n\\caption{A \\& B}\n\\begin{tabular}{lr}\n\\hline\n"
        "method & x\\_1 \\\\\n\\hline\na|b & 50 \\% \\\\\n\\textasciitilde{} & 1 \\\\\n\\hline\n"
        "\\end{tabular}\n\\end{table}\n"
    )


def test_csv_has_a_line_for_each_face_and_method(summary):
    lines = list(csv.DictReader(io.StringIO(as_csv(summary))))
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
    document = json.loads(as_json(summary, header=["$ snadnet"], paper=True))
    assert document["schema"] == 2
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
    assert ours["inception"] == {"fid": 12.345, "kid": 0.0123, "kid_deviation": 0.001}
    assert [each["metric"] for each in document["comparisons"]] == ["psnr", "l1_percent", "landmark_error_percent"]
    assert document["groups"]["kernel"][1] == {
        "group": "29",
        "faces": 1,
        "psnr": [22.0, 21.5, 23.0],
        "worse_shares": [1.0, 0.0],
    }
    assert document["paper"][-1]["method"] == "ablation: + SNAD + TE"
