"""An evaluation for programs: every face in CSV, the summary in JSON."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite, isnan
from typing import Any, Final

from snadnet import __version__
from snadnet.evaluation.report.published import PUBLISHED
from snadnet.evaluation.report.summary import Summary
from snadnet.evaluation.statistics import Estimate

SCHEMA: Final = 2
"""Version of the JSON document; it grows when a field changes its meaning or goes, not when one is added."""


def as_csv(summary: Summary) -> str:
    """A line for each face and method; a cell is empty where a face has no value, such as where none was found."""
    evaluation = summary.evaluation
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["face", "kernel_px", "method", *(metric.key for metric in evaluation.metrics)])
    sizes = evaluation.test_set.kernel_sizes or ("",) * len(evaluation.test_set)
    columns = [
        [metric.per_face(readings) for metric, readings in zip(evaluation.metrics, scores.readings, strict=True)]
        for scores in evaluation.methods
    ]
    for index, (name, size) in enumerate(zip(evaluation.test_set.names, sizes, strict=True)):
        for scores, values in zip(evaluation.methods, columns, strict=True):
            cells = [float(column[index]) for column in values]
            writer.writerow([name, size, scores.name, *("" if isnan(cell) else f"{cell:.7g}" for cell in cells)])
    return file.getvalue()


def as_json(summary: Summary, *, header: Sequence[str] = (), paper: bool = False) -> str:
    """One document, described in ``docs/guides/evaluate.md``; null stands for what is no finite number."""
    evaluation = summary.evaluation
    keys = [metric.key for metric in evaluation.metrics]
    document = {
        "schema": SCHEMA,
        "generator": f"snadnet {__version__}",
        "header": list(header),
        "test_set": {
            "source": evaluation.test_set.source,
            "protocol": evaluation.test_set.protocol,
            "description": evaluation.test_set.description,
            "faces": len(evaluation.test_set),
        },
        "notes": list(evaluation.notes),
        "resampling": asdict(summary.resampling),
        "methods": [
            {
                "name": row.name,
                "source": row.source,
                **{key: _estimate(each) for key, each in zip(keys, row.estimates, strict=True)},
                "psnr_gain": None if row.gain is None else _estimate(row.gain),
                "worse_share": row.worse_share,
                "inception": None
                if row.inception is None
                else {key: _number(value) for key, value in asdict(row.inception).items()},
            }
            for row in summary.rows
        ],
        "comparisons": [
            {
                "metric": each.metric.key,
                "first": each.first,
                "second": each.second,
                "faces": each.faces,
                "difference": _estimate(each.difference),
                "wilcoxon_p": _number(each.p_value),
            }
            for each in summary.comparisons
        ],
        "groups": {
            each.grouping.name: [
                {
                    "group": row.name,
                    "faces": row.faces,
                    "psnr": [_number(value) for value in row.psnr],
                    "worse_shares": list(row.worse_shares),
                }
                for row in each.rows
            ]
            for each in summary.groups
        },
    }
    if paper:
        document["paper"] = [asdict(row) for row in PUBLISHED.get(evaluation.test_set.protocol, ())]
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _estimate(each: Estimate) -> dict[str, Any]:
    return {"value": _number(each.value), "interval": None if each.interval is None else list(each.interval)}


def _number(value: float) -> float | None:
    return value if isfinite(value) else None
