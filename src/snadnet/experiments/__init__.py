"""The paper's tables, made again: every method trained under one budget, scored beside the paper's figures.

A table is a YAML file (``configs/reproduce/``), read by `read_definition`; `make_plan` checks all of its trainings, and
`reproduce` does them and reports.
"""

from snadnet.experiments.budget import Budget
from snadnet.experiments.definition import TableDefinition, find_definition, read_definition
from snadnet.experiments.plan import Plan, PlannedRow, PlannedRun, make_plan
from snadnet.experiments.report import TableReport
from snadnet.experiments.reproduction import ReproduceOptions, reproduce

__all__ = [
    "Budget",
    "Plan",
    "PlannedRow",
    "PlannedRun",
    "ReproduceOptions",
    "TableDefinition",
    "TableReport",
    "find_definition",
    "make_plan",
    "read_definition",
    "reproduce",
]
