"""Tables as text, Markdown and LaTeX: one set of cells, three ways to write them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan

from snadnet.evaluation.report.published import PUBLISHED
from snadnet.evaluation.report.summary import GroupRows, Summary
from snadnet.evaluation.statistics import Estimate

NOTHING = "-"
_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_LATEX |= {sign: f"\\{sign}" for sign in "&%$#_{}"}


@dataclass(frozen=True)
class Table:
    """Cells of text; every row is as long as ``columns``, and its first cell is a name.

    Attributes:
        title: What it shows.
        columns: The heads.
        rows: The cells.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Document:
    """Lines that say how something was measured, and tables."""

    header: tuple[str, ...]
    tables: tuple[Table, ...]


def summary_document(summary: Summary, *, header: Sequence[str] = (), paper: bool = False) -> Document:
    """The header and tables of an evaluation.

    Args:
        summary: The evaluation.
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
    if summary.resampling.count and len(evaluation.test_set) > 1:
        tables.append(_intervals(summary))
    if summary.comparisons:
        tables.append(_comparisons(summary))
    tables += [_of_groups(summary, each) for each in summary.groups]
    if paper and (rows := PUBLISHED.get(evaluation.test_set.protocol)):
        cells = tuple(
            (row.method, f"{row.psnr:.2f}", f"{row.ssim:.3f}", f"{row.l1_percent:.2f}", f"{row.fid:.2f}")
            for row in rows
        )
        title = "The paper's own figures, on its own faces and kernels: not measured here"
        tables.append(Table(title, ("method", "PSNR dB", "SSIM", "L1 %", "FID"), cells))
    return Document(lines, tuple(tables))


def as_text(document: Document) -> str:
    """Plain text with columns in line."""
    return "\n".join([*document.header, *("\n" + _aligned(table) for table in document.tables)]) + "\n"


def as_markdown(document: Document) -> str:
    """Markdown; the header becomes a list."""
    parts = ["\n".join(f"- {_markdown(line)}" for line in document.header)]
    for table in document.tables:
        rule = "|---|" + "---:|" * (len(table.columns) - 1)
        rows = "\n".join(f"| {' | '.join(map(_markdown, row))} |" for row in table.rows)
        parts.append(f"**{_markdown(table.title)}**\n\n| {' | '.join(table.columns)} |\n{rule}\n{rows}")
    return "\n\n".join(parts) + "\n"


def as_latex(document: Document) -> str:
    """LaTeX that needs no package; the header becomes comments."""
    parts = ["\n".join(f"% {line}" for line in document.header)]
    for table in document.tables:
        rows = " \\\\\n".join(" & ".join(map(_latex, row)) for row in (table.columns, *table.rows))
        head, _, body = rows.partition("\n")
        parts.append(
            f"\\begin{{table}}\n\\centering\n\\caption{{{_latex(table.title)}}}\n"
            f"\\begin{{tabular}}{{l{'r' * (len(table.columns) - 1)}}}\n\\hline\n{head}\n\\hline\n{body} \\\\\n\\hline\n"
            "\\end{tabular}\n\\end{table}"
        )
    return "\n\n".join(parts) + "\n"


def _scores(summary: Summary) -> Table:
    metrics = summary.evaluation.metrics
    heads = ["method", *(metric.title for metric in metrics), "gain dB", "made worse"]
    if summary.rows[0].inception is not None:
        heads += ["FID", "KID x 1000"]
    rows = []
    for row in summary.rows:
        cells = [row.name]
        cells += [_figure(each.value, metric.decimals) for each, metric in zip(row.estimates, metrics, strict=True)]
        cells.append(NOTHING if row.gain is None else f"{row.gain.value:+.2f}")
        cells.append(NOTHING if row.worse_share is None else f"{100 * row.worse_share:.1f} %")
        if row.inception is not None:
            cells += [_figure(row.inception.fid, 2), _figure(1000 * row.inception.kid, 2)]
        rows.append(tuple(cells))
    return Table(f"Means over {len(summary.evaluation.test_set)} faces", tuple(heads), tuple(rows))


def _intervals(summary: Summary) -> Table:
    metrics = summary.evaluation.metrics
    rows = tuple(
        (
            row.name,
            *(_interval(each, metric.decimals) for each, metric in zip(row.estimates, metrics, strict=True)),
            NOTHING if row.gain is None else _interval(row.gain, 2, sign="+"),
        )
        for row in summary.rows
    )
    title = f"{100 * summary.resampling.level:g} % intervals"
    return Table(title, ("method", *(metric.title for metric in metrics), "gain dB"), rows)


def _comparisons(summary: Summary) -> Table:
    rows = tuple(
        (
            f"{each.first} - {each.second}",
            str(each.metric),
            str(each.faces),
            _figure(each.difference.value, each.metric.decimals, sign="+"),
            _interval(each.difference, each.metric.decimals, sign="+"),
            NOTHING if isnan(each.p_value) else f"{each.p_value:.2g}",
        )
        for each in summary.comparisons
    )
    title = "Paired differences; p of the two-sided Wilcoxon signed-rank test over the faces, each test by itself"
    return Table(title, ("methods", "metric", "N", "difference", "interval", "p"), rows)


def _of_groups(summary: Summary, groups: GroupRows) -> Table:
    blurred, *methods = (row.name for row in summary.rows)
    heads = [groups.grouping.head, "N", f"{blurred} dB"]
    for name in methods:
        heads += [f"{name} dB", "gain dB", "made worse"]
    rows = []
    for row in groups.rows:
        cells = [row.name, str(row.faces), f"{row.psnr[0]:.2f}"]
        for psnr, worse in zip(row.psnr[1:], row.worse_shares, strict=True):
            cells += [f"{psnr:.2f}", f"{psnr - row.psnr[0]:+.2f}", f"{100 * worse:.1f} %"]
        rows.append(tuple(cells))
    return Table(groups.grouping.title, tuple(heads), tuple(rows))


def _figure(value: float, decimals: int, *, sign: str = "") -> str:
    return NOTHING if isnan(value) else f"{value:{sign}.{decimals}f}"


def _interval(each: Estimate, decimals: int, *, sign: str = "") -> str:
    if each.interval is None:
        return NOTHING
    return " to ".join(f"{end:{sign}.{decimals}f}" for end in each.interval)


def _aligned(table: Table) -> str:
    lines = (table.columns, *table.rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join([table.title, *_padded(lines, widths)])


def _padded(lines: Sequence[tuple[str, ...]], widths: list[int]) -> Iterator[str]:
    for name, *cells in lines:
        yield "  ".join(
            [name.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))]
        )


def _markdown(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")


def _latex(cell: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in cell)
