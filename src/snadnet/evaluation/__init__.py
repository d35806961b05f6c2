"""Evaluation of deblurring methods and face parsers on test sets, always beside the blurred input.

The protocols are those of ``snadnet.data.protocols``; ``evaluate`` does everything in one call.
"""

from snadnet.evaluation.api import evaluate
from snadnet.evaluation.methods import Method, find_method
from snadnet.evaluation.parsers import ParserReport, evaluate_parsers
from snadnet.evaluation.report.report import Report
from snadnet.evaluation.statistics import Resampling
from snadnet.evaluation.test_set import FaceTestSet, find_test_set
from snadnet.metrics.base import MetricOptions

__all__ = [
    "FaceTestSet",
    "Method",
    "MetricOptions",
    "ParserReport",
    "Report",
    "Resampling",
    "evaluate",
    "evaluate_parsers",
    "find_method",
    "find_test_set",
]
