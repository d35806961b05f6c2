"""The report of a table: our figures beside the paper's, what each row cost, and which rows differ."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from statistics import mean
from typing import Any, Final

from snadnet import __version__
from snadnet.evaluation.report.published import PUBLISHED, PublishedRow
from snadnet.evaluation.report.summary import Row as SummaryRow
from snadnet.evaluation.statistics import Estimate
from snadnet.evaluation.test_set import FaceTestSet
from snadnet.experiments.plan import Plan, PlannedRow
from snadnet.experiments.results import SIGNIFICANCE, Pair, Results, RowResult
from snadnet.metrics.base import Measure
from snadnet.metrics.fidelity import L1, PSNR, SSIM
from snadnet.tables import NOTHING, Document, Table, TabulatedReport

SCHEMA: Final = 1
"""Version of the JSON document; it grows when a field changes its meaning or goes, not when one is added."""

_COLUMNS: Final = ((PSNR, "psnr"), (SSIM, "ssim"), (L1, "l1_percent"))


@dataclass(frozen=True, eq=False)
class TableReport(TabulatedReport):
    """A table that was made again.

    Attributes:
        plan: What it was made of.
        test_set: What its rows were scored on.
        measures: What was measured of each face.
        results: The figures.
        failures: Why trainings failed, by their names.
        notes: How it was measured.
        header: Lines that every form begins with, such as the command and the machine.
    """

    plan: Plan
    test_set: FaceTestSet
    measures: tuple[Measure, ...]
    results: Results
    failures: Mapping[str, str]
    notes: tuple[str, ...]
    header: Sequence[str] = ()

    def to_json(self) -> str:
        """Return one document, described in ``docs/research/tables.md``; null stands for what is not known."""
        test = self.test_set
        document = {
            "schema": SCHEMA,
            "generator": f"snadnet {__version__}",
            "header": list(self.header),
            "title": self.plan.definition.title,
            "budget": {"text": str(self.plan.budget), **asdict(self.plan.budget)},
            "test_set": {
                "source": test.source,
                "protocol": test.protocol,
                "description": test.description,
                "faces": len(test),
            },
            "blurred": {"figures": self._figures(self.results.blurred), "paper": self._published_json("blurred input")},
            "rows": [self._row_json(planned) for planned in self.plan.rows],
            "pairs": [_pair_json(pair) for pair in self.results.pairs],
            "answers": list(self.answers()),
            "failures": dict(self.failures),
            "notes": [*self.notes, *self.plan.definition.notes, *self._paper_notes()],
        }
        return json.dumps(document, indent=1, allow_nan=False) + "\n"

    def _row_json(self, planned: PlannedRow) -> dict[str, Any]:
        result = self.results.row(planned.name)
        row: dict[str, Any] = {
            "name": planned.name,
            "title": planned.row.title,
            "model": planned.runs[0].settings.model,
            "paper": self._published_json(planned.row.paper),
            "trained": result is not None,
        }
        if result is None:
            return row
        return row | {
            "figures": self._figures(result.figures),
            "psnr_gain": None if result.figures.gain is None else _estimate_json(result.figures.gain),
            "psnr_by_seed": [_number(psnr) for psnr in result.psnr_by_seed],
            "parameters": result.complexity.parameters,
            "macs": result.complexity.macs,
            "seconds_a_face": result.seconds_a_face,
            "training": [asdict(spent) for spent in result.spent],
            "stages": [asdict(spent) for spent in result.stage_spent],
        }

    def _figures(self, row: SummaryRow) -> dict[str, Any]:
        figures = {m.key: _estimate_json(each) for m, each in zip(self.measures, row.estimates, strict=True)}
        of_the_set = {title: _number(value) for title, value in self.results.of_the_set(row).items()}
        return figures | {"of_the_set": of_the_set}

    def _published_json(self, name: str | None) -> dict[str, Any] | None:
        published = self.published(name)
        return None if published is None else asdict(published)

    def published(self, name: str | None) -> PublishedRow | None:
        """Return the paper's row of a name for the test set's protocol."""
        tables = PUBLISHED.get(self.test_set.protocol, ())
        return next((row for table in tables for row in table.rows if row.method == name), None)

    def answers(self) -> tuple[str, ...]:
        """Return the questions of the table, each with the answer that the figures give."""
        titles = {name: row.title for name, row in self.plan.definition.rows.items()}
        lines = []
        for question in self.plan.definition.questions:
            parts = [self._answer(question.row, other, titles[other]) for other in question.others]
            lines.append(f"{question.ask} {titles[question.row]}: {'; '.join(parts)}")
        return tuple(lines)

    def _answer(self, name: str, other: str, title: str) -> str:
        pair = self.results.pair(name, other)
        if pair is None:
            return f"not comparable with {title}, as one of the two was not trained"
        word = (
            "better than" if pair.better_than(name, other) else "worse than" if pair.differ else "not told apart from"
        )
        sign = 1 if pair.first == name else -1
        gap = pair.comparison.difference
        ends = (
            "" if gap.interval is None else " ({:+.2f} to {:+.2f})".format(*sorted(sign * end for end in gap.interval))
        )
        seeds = ", the ranges of their seeds overlap" if pair.seeds_overlap else ""
        return f"{word} {title} by PSNR: {sign * gap.value:+.2f} dB{ends}, adjusted p {pair.adjusted_p:.2g}{seeds}"

    def _document(self) -> Document:
        definition, test_set = self.plan.definition, self.test_set
        lines = (
            *self.header,
            f"budget of each row, with the networks that it is conditioned on: {self.plan.budget}",
            f"test set: {test_set.source}, {len(test_set)} faces, {test_set.names[0]} to {test_set.names[-1]}",
            f"protocol: {test_set.description}",
            *self.notes,
        )
        tables = [self._scores(), self._costs()]
        if self.results.pairs:
            tables.append(self._differences())
        notes = tuple(f"FAILED: {name}: {reason}" for name, reason in self.failures.items())
        first = tables[0]
        tables[0] = Table(first.title, first.columns, first.rows, (*notes, *definition.notes, *self._paper_notes()))
        return Document(lines, tuple(tables))

    def _paper_notes(self) -> tuple[str, ...]:
        named = {row.paper for row in self.plan.definition.rows.values()}
        tables = PUBLISHED.get(self.test_set.protocol, ())
        used = [table for table in tables if any(row.method in named for row in table.rows)]
        return tuple(dict.fromkeys(note for table in used for note in table.notes))

    def _scores(self) -> Table:
        """Our figures and, in a column beside each, the paper's."""
        distances = list(self.results.of_the_set(self.results.blurred))
        heads = ["method", PSNR.title, "interval", "paper", SSIM.title, "paper", L1.title, "paper"]
        heads += [*distances, "paper's FID"]
        rows = [self._row("blurred input", self.results.blurred, "blurred input", distances)]
        for planned in self.plan.rows:
            result = self.results.row(planned.name)
            figures = None if result is None else result.figures
            rows.append(self._row(planned.row.title, figures, planned.row.paper, distances))
        title = f"{self.plan.definition.title}: means over {len(self.test_set)} faces, and the paper's on its own faces"
        return Table(title, tuple(heads), tuple(rows))

    def _row(
        self, title: str, figures: SummaryRow | None, paper: str | None, distances: Sequence[str]
    ) -> tuple[str, ...]:
        published = self.published(paper)
        cells = [title]
        for measure, field in _COLUMNS:
            ours = None if figures is None else figures.estimates[self.measures.index(measure)]
            cells.append(NOTHING if ours is None else f"{ours.value:.{measure.decimals}f}")
            if measure is PSNR:
                cells.append(_interval(ours))
            cells.append(NOTHING if published is None else f"{getattr(published, field):.{measure.decimals}f}")
        of_the_set = {} if figures is None else self.results.of_the_set(figures)
        cells += [f"{of_the_set[name]:.2f}" if name in of_the_set else NOTHING for name in distances]
        cells.append(NOTHING if published is None else f"{published.fid:.2f}")
        return tuple(cells)

    def _costs(self) -> Table:
        heads = (
            *("method", "model", "parameters M", "GMACs", "s a face"),
            *("steps", "faces seen", "minutes", "s a face in training"),
            "PSNR by seed",
        )
        note = (
            "GMACs: multiply-adds of one face of 256 px. Minutes: those of the networks that a row is conditioned on "
            "come first. Steps, faces and minutes: means over the seeds."
        )
        return Table("What each row cost", heads, tuple(map(_cost_cells, self.results.rows)), (note,))

    def _differences(self) -> Table:
        titles = {result.planned.name: result.planned.row.title for result in self.results.rows}

        def others(name: str, chosen: list[Pair]) -> str:
            names = [pair.second if pair.first == name else pair.first for pair in chosen]
            return ", ".join(titles[each] for each in names) or NOTHING

        rows = []
        for name, title in titles.items():
            own = [pair for pair in self.results.pairs if name in (pair.first, pair.second)]
            better = [p for p in own if p.better_than(name, p.second if p.first == name else p.first)]
            alike = [pair for pair in own if not pair.differ]
            rows.append((title, others(name, better), others(name, alike)))
        note = (
            "By PSNR, face by face: Wilcoxon's signed-rank test of each pair, p adjusted for all pairs (Benjamini and "
            f"Hochberg), under {SIGNIFICANCE:g}; rows of several seeds also need ranges that do not overlap."
        )
        heads = ("method", "better than", "not told apart from")
        return Table("Which rows differ", heads, tuple(rows), (note, *self.answers()))


def _interval(estimate: Estimate | None) -> str:
    if estimate is None or estimate.interval is None:
        return NOTHING
    return "{:.2f} to {:.2f}".format(*estimate.interval)


def _cost_cells(result: RowResult) -> tuple[str, ...]:
    spent = result.spent
    stages = [f"{stage.seconds / 60:.1f}" for stage in result.stage_spent]
    return (
        result.planned.row.title,
        result.planned.runs[0].settings.model,
        f"{result.complexity.parameters / 1e6:.3f}",
        f"{result.complexity.macs / 1e9:.2f}",
        NOTHING if result.seconds_a_face is None else f"{result.seconds_a_face:.3f}",
        f"{mean([each.steps for each in spent]):.0f}",
        f"{mean([each.faces for each in spent]):.0f}",
        " + ".join([*stages, f"{mean([each.seconds for each in spent]) / 60:.1f}"]),
        f"{sum(each.seconds for each in spent) / max(1, sum(each.faces for each in spent)):.3f}",
        ", ".join(f"{psnr:.2f}" for psnr in result.psnr_by_seed),
    )


def _pair_json(pair: Pair) -> dict[str, Any]:
    return {
        "first": pair.first,
        "second": pair.second,
        "faces": pair.comparison.faces,
        "psnr_difference": _estimate_json(pair.comparison.difference),
        "wilcoxon_p": _number(pair.comparison.p_value),
        "adjusted_p": pair.adjusted_p,
        "seeds_overlap": pair.seeds_overlap,
        "differ": pair.differ,
    }


def _estimate_json(each: Estimate) -> dict[str, Any]:
    return {"value": _number(each.value), "interval": None if each.interval is None else list(each.interval)}


def _number(value: float) -> float | None:
    return value if isfinite(value) else None
