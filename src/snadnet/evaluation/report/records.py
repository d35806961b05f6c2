"""Machine-readable reports: every face in CSV, the figures in JSON."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite, isnan
from typing import Any, Final

from snadnet import __version__
from snadnet.evaluation.report.published import PUBLISHED
from snadnet.evaluation.report.summary import GroupRow, Row, Summary
from snadnet.evaluation.statistics import Comparison, Estimate

SCHEMA: Final = 3
"""Version of the JSON document; it grows when a field changes its meaning or goes, not when one is added."""


def as_csv(summary: Summary) -> str:
    """Return a line for each face and method; a cell is empty where a face has no value, as where it was not found."""
    evaluation = summary.evaluation
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["face", "kernel_px", "method", *(measure.key for measure in evaluation.measures)])
    sizes = evaluation.test_set.kernel_sizes or ("",) * len(evaluation.test_set)
    columns = [
        [measure.per_face(values) for measure, values in zip(evaluation.measures, scores.values, strict=True)]
        for scores in evaluation.methods
    ]
    for index, (name, size) in enumerate(zip(evaluation.test_set.names, sizes, strict=True)):
        for scores, numbers in zip(evaluation.methods, columns, strict=True):
            cells = [float(column[index]) for column in numbers]
            writer.writerow([name, size, scores.name, *("" if isnan(cell) else f"{cell:.7g}" for cell in cells)])
    return file.getvalue()


def as_json(summary: Summary, *, header: Sequence[str] = (), paper: bool = False) -> str:
    """Return one document, described in ``docs/guides/evaluate.md``; null is a figure that is missing or infinite."""
    test_set = summary.evaluation.test_set
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "generator": f"snadnet {__version__}",
        "header": list(header),
        "test_set": {
            "source": test_set.source,
            "protocol": test_set.protocol,
            "description": test_set.description,
            "faces": len(test_set),
        },
        "notes": list(summary.evaluation.notes),
        "resampling": asdict(summary.resampling),
        "methods": [_method(row, summary) for row in summary.rows],
        "comparisons": [_comparison(each) for each in summary.comparisons],
        "groups": {each.breakdown.name: [_group(row) for row in each.rows] for each in summary.groups},
    }
    if paper:
        tables = PUBLISHED.get(test_set.protocol, ())
        document["paper"] = [asdict(row) for table in tables for row in table.rows]
        document["paper_notes"] = [note for table in tables for note in table.notes]
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _method(row: Row, summary: Summary) -> dict[str, Any]:
    keys = [measure.key for measure in summary.evaluation.measures]
    return {
        "name": row.name,
        "source": row.source,
        **{key: _estimate(each) for key, each in zip(keys, row.estimates, strict=True)},
        "psnr_gain": None if row.gain is None else _estimate(row.gain),
        "worse_share": row.worse_share,
        "equal": row.equal,
        "psnr_of_rest": _estimate(row.psnr_of_rest),
        "distances": {
            measure.key: _number(value)
            for measure, value in zip(summary.evaluation.set_measures, row.distances, strict=True)
        },
    }


def _comparison(each: Comparison) -> dict[str, Any]:
    return {
        "metric": each.measure.key,
        "first": each.first,
        "second": each.second,
        "faces": each.faces,
        "difference": _estimate(each.difference),
        "wilcoxon_p": _number(each.p_value),
    }


def _group(row: GroupRow) -> dict[str, Any]:
    return {
        "group": row.name,
        "faces": row.faces,
        "psnr": [_number(value) for value in row.psnr],
        "worse_shares": list(row.worse_shares),
        "equal": row.equal,
        "psnr_of_rest": [_number(value) for value in row.psnr_of_rest],
    }


def _estimate(each: Estimate) -> dict[str, Any]:
    return {"value": _number(each.value), "interval": None if each.interval is None else list(each.interval)}


def _number(value: float) -> float | None:
    return value if isfinite(value) else None
