"""The tables of an evaluation."""

from collections.abc import Sequence
from math import isnan

from snadnet.evaluation.report.published import PUBLISHED, PublishedTable
from snadnet.evaluation.report.summary import BreakdownRows, Row, Summary
from snadnet.evaluation.statistics import Estimate
from snadnet.metrics.fidelity import PSNR
from snadnet.tables import NOTHING, Document, Table


def summary_document(summary: Summary, *, header: Sequence[str] = (), paper: bool = False) -> Document:
    """Return the header and tables of an evaluation.

    Args:
        summary: The figures of the evaluation.
        header: Lines to begin with, such as the command and the machine.
        paper: Add the paper's own figures, where it has some for the protocol.
    """
    evaluation = summary.evaluation
    lines = (
        *header,
        f"test set: {evaluation.test_set.source}, {len(evaluation.test_set)} faces, "
        f"{evaluation.test_set.names[0]} to {evaluation.test_set.names[-1]}",
        f"protocol: {evaluation.test_set.description}",
        *(f"{row.name}: {row.source}" for row in summary.rows[1:]),
        *evaluation.notes,
        "gain: mean PSNR over the blurred input's; made worse: faces whose PSNR fell",
    )
    if summary.resampling.count:
        lines = (*lines, str(summary.resampling))
    tables = [_scores(summary)]
    if any(row.equal for row in summary.rows):
        tables.append(_equal_faces(summary))
    if summary.resampling.count and len(evaluation.test_set) > 1:
        tables.append(_intervals(summary))
    if summary.comparisons:
        tables.append(_comparisons(summary))
    tables += [_of_breakdown(summary, each) for each in summary.groups]
    if paper:
        tables += [_published(each) for each in PUBLISHED.get(evaluation.test_set.protocol, ())]
    return Document(lines, tuple(tables))


def _scores(summary: Summary) -> Table:
    measures, of_sets = summary.evaluation.measures, summary.evaluation.set_measures
    heads = ["method", *(measure.title for measure in measures), "gain dB", "made worse"]
    heads += [measure.title for measure in of_sets]
    rows = []
    for row in summary.rows:
        cells = [row.name]
        cells += [_figure(each.value, measure.decimals) for each, measure in zip(row.estimates, measures, strict=True)]
        cells.append(NOTHING if row.gain is None else _figure(row.gain.value, 2, sign="+"))
        cells.append(NOTHING if row.worse_share is None else f"{100 * row.worse_share:.1f} %")
        pairs = zip(of_sets, row.distances, strict=True)
        cells += [_figure(measure.factor * value, measure.decimals) for measure, value in pairs]
        rows.append(tuple(cells))
    return Table(f"Means over {len(summary.evaluation.test_set)} faces", tuple(heads), tuple(rows))


def _intervals(summary: Summary) -> Table:
    measures = summary.evaluation.measures
    rows = tuple(
        (
            row.name,
            *(_interval(each, measure.decimals) for each, measure in zip(row.estimates, measures, strict=True)),
            NOTHING if row.gain is None else _interval(row.gain, 2, sign="+"),
        )
        for row in summary.rows
    )
    title = f"{100 * summary.resampling.level:g} % intervals"
    return Table(title, ("method", *(measure.title for measure in measures), "gain dB"), rows)


def _comparisons(summary: Summary) -> Table:
    rows = tuple(
        (
            f"{each.first} - {each.second}",
            str(each.measure),
            str(each.faces),
            _figure(each.difference.value, each.measure.decimals, sign="+"),
            _interval(each.difference, each.measure.decimals, sign="+"),
            NOTHING if isnan(each.p_value) else f"{each.p_value:.2g}",
        )
        for each in summary.comparisons
    )
    title = "Paired differences; p of the two-sided Wilcoxon signed-rank test over the faces, each test by itself"
    return Table(title, ("methods", "metric", "N", "difference", "interval", "p"), rows)


def _equal_faces(summary: Summary) -> Table:
    """Figures over the faces that differ from their sharp ones, where others do not."""
    faces = len(summary.evaluation.test_set)

    def cells(row: Row) -> tuple[str, ...]:
        rest = row.psnr_of_rest
        figures = _figure(rest.value, PSNR.decimals), _interval(rest, PSNR.decimals)
        return (row.name, str(row.equal), str(faces - row.equal), *figures)

    title = "Faces equal to their sharp image, whose PSNR is infinite, and the mean PSNR of the rest"
    heads = ("method", "equal", "rest", "PSNR dB of the rest", "interval")
    note = "gain dB: over the faces that equal their sharp image neither blurred nor restored"
    return Table(title, heads, tuple(cells(row) for row in summary.rows), (note,))


def _of_breakdown(summary: Summary, groups: BreakdownRows) -> Table:
    blurred, *methods = (row.name for row in summary.rows)
    with_equal = any(row.equal for row in groups.rows)
    heads = [groups.breakdown.head, "N", *(["equal"] if with_equal else []), f"{blurred} dB"]
    for name in methods:
        heads += [f"{name} dB", "gain dB", "made worse"]
    rows = []
    for row in groups.rows:
        psnrs = row.psnr_of_rest
        cells = [row.name, str(row.faces), *([str(row.equal)] if with_equal else []), _figure(psnrs[0], 2)]
        for psnr, worse in zip(psnrs[1:], row.worse_shares, strict=True):
            cells += [_figure(psnr, 2), _figure(psnr - psnrs[0], 2, sign="+"), f"{100 * worse:.1f} %"]
        rows.append(tuple(cells))
    note = "dB: over the faces that equal their sharp image neither blurred nor restored by any method"
    return Table(groups.breakdown.title, tuple(heads), tuple(rows), (note,) if with_equal else ())


def _published(table: PublishedTable) -> Table:
    rows = tuple(
        (row.method, f"{row.psnr:.2f}", f"{row.ssim:.3f}", f"{row.l1_percent:.2f}", f"{row.fid:.2f}")
        for row in table.rows
    )
    title = f"The paper's own figures ({table.name}), on its own faces and kernels: not measured here"
    return Table(title, ("method", "PSNR dB", "SSIM", "L1 %", "FID"), rows, table.notes)


def _figure(value: float, decimals: int, *, sign: str = "") -> str:
    return NOTHING if isnan(value) else f"{value:{sign}.{decimals}f}"


def _interval(each: Estimate, decimals: int, *, sign: str = "") -> str:
    if each.interval is None:
        return NOTHING
    return " to ".join(f"{end:{sign}.{decimals}f}" for end in each.interval)
