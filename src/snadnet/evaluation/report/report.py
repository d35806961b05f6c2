"""The report of an evaluation, in every form that it is printed or written in."""

from collections.abc import Sequence
from dataclasses import dataclass

from snadnet.evaluation.report.records import as_csv, as_json
from snadnet.evaluation.report.summary import Summary
from snadnet.evaluation.report.tables import summary_document


@dataclass(frozen=True, eq=False)
class Report:
    """The result of ``snadnet.evaluation.evaluate``.

    Attributes:
        summary: The figures: means with intervals, gains, comparisons, groups of faces; ``summary.evaluation`` has the
            values of every face.
        header: Lines that the text, Markdown, LaTeX and JSON begin with, such as the command and the machine.
        paper: Whether the paper's own figures stand beside ours, where it has some for the protocol.
    """

    summary: Summary
    header: Sequence[str] = ()
    paper: bool = False

    def to_text(self) -> str:
        """Return plain text with aligned columns."""
        return summary_document(self.summary, header=self.header, paper=self.paper).to_text()

    def to_markdown(self) -> str:
        """Return Markdown tables after a list of how they were measured."""
        return summary_document(self.summary, header=self.header, paper=self.paper).to_markdown()

    def to_latex(self) -> str:
        """Return LaTeX tables that need no package."""
        return summary_document(self.summary, header=self.header, paper=self.paper).to_latex()

    def to_json(self) -> str:
        """Return the figures as one JSON document; null stands for a figure that is missing or infinite."""
        header = summary_document(self.summary, header=self.header).header
        return as_json(self.summary, header=header, paper=self.paper)

    def to_csv(self) -> str:
        """Return a line for each face and method; a cell is empty where a face has no value."""
        return as_csv(self.summary)
