"""Tables as text, Markdown and LaTeX: one set of cells, three ways to write them, laid out by tabulate."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tabulate import tabulate

NOTHING: Final = "-"
"""The cell of a value that is not there."""

_LATEX: Final = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


@dataclass(frozen=True)
class Table:
    """Cells of text; every row is as long as ``columns``, and its first cell is a name.

    Attributes:
        title: What it shows.
        columns: The heads.
        rows: The cells.
        notes: Lines below.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Document:
    """Tables, and the lines before them that say how something was measured."""

    header: tuple[str, ...]
    tables: tuple[Table, ...]

    def to_text(self) -> str:
        """Return plain text with aligned columns."""
        lines = list(self.header)
        for table in self.tables:
            lines += ["", table.title, _lay_out(table.columns, table.rows, "plain"), *table.notes]
        return "\n".join(lines) + "\n"

    def to_markdown(self) -> str:
        """Return Markdown; the header becomes a list."""
        parts = ["\n".join(f"- {_markdown(line)}" for line in self.header)]
        for table in self.tables:
            columns, *rows = ([_markdown(cell) for cell in row] for row in (table.columns, *table.rows))
            parts.append(f"**{_markdown(table.title)}**\n\n{_lay_out(columns, rows, 'pipe')}")
            parts += [_markdown(note) for note in table.notes]
        return "\n\n".join(parts) + "\n"

    def to_latex(self) -> str:
        """Return LaTeX that needs no package; the header becomes comments."""
        parts = ["\n".join(f"% {line}" for line in self.header)]
        for table in self.tables:
            columns, *rows = ([_latex(cell) for cell in row] for row in (table.columns, *table.rows))
            parts.append(
                f"\\begin{{table}}\n\\centering\n\\caption{{{_latex(table.title)}}}\n"
                f"{_lay_out(columns, rows, 'latex_raw')}\n"
                + "".join(f"\n{_latex(note)}\n" for note in table.notes)
                + "\\end{table}"
            )
        return "\n\n".join(parts) + "\n"


class TabulatedReport(ABC):
    """A report that can be written in every form that `Document` has."""

    @abstractmethod
    def _document(self) -> Document:
        """The report's tables, and the lines before them."""

    def to_text(self) -> str:
        """Return plain text with aligned columns."""
        return self._document().to_text()

    def to_markdown(self) -> str:
        """Return Markdown tables after a list of how they were made."""
        return self._document().to_markdown()

    def to_latex(self) -> str:
        """Return LaTeX tables that need no package."""
        return self._document().to_latex()


def _lay_out(columns: Sequence[str], rows: Sequence[Sequence[str]], form: str) -> str:
    sides = ("left", *("right",) * (len(columns) - 1))
    # Cells are text already, rounded as each column wants it.
    return str(tabulate(rows, headers=columns, tablefmt=form, colalign=sides, disable_numparse=True))


def _markdown(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")


def _latex(cell: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in cell)
