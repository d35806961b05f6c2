"""Tables as text, Markdown and LaTeX."""

from snadnet.tables import Document, Table

DOCUMENT = Document(
    ("head 1 %",), (Table("A & B", ("method", "x_1"), (("a|b", "50 %"), ("~", "1")), ("a note: 1 %",)),)
)


def squeezed(text):
    """The text with every run of blanks as one."""
    return "\n".join(" ".join(line.split()) for line in text.splitlines())


def test_text_has_columns_in_line():
    header, blank, title, heads, *rows, note = DOCUMENT.to_text().splitlines()
    assert (header, blank, title, note) == ("head 1 %", "", "A & B", "a note: 1 %")
    assert [line.split() for line in (heads, *rows)] == [["method", "x_1"], ["a|b", "50", "%"], ["~", "1"]]
    # Names on the left, figures on the right.
    assert len({len(line) for line in (heads, *rows)}) == 1
    assert all(not line.startswith(" ") for line in (heads, *rows))


def test_markdown_escapes_its_own_signs():
    lines = squeezed(DOCUMENT.to_markdown()).splitlines()
    assert lines[:4] == ["- head 1 %", "", "**A & B**", ""]
    assert lines[4] == "| method | x_1 |"
    assert set(lines[5]) == set("|:-")
    assert lines[5].endswith("-:|")
    assert lines[6:8] == ["| a\\|b | 50 % |", "| ~ | 1 |"]
    assert lines[8:] == ["", "a note: 1 %"]


def test_latex_escapes_its_own_signs():
    assert squeezed(DOCUMENT.to_latex()) == (
        "% head 1 %\n\n\\begin{table}\n\\centering\n\\caption{A \\& B}\n\\begin{tabular}{lr}\n\\hline\n"
        "method & x\\_1 \\\\\n\\hline\na|b & 50 \\% \\\\\n\\textasciitilde{} & 1 \\\\\n\\hline\n"
        "\\end{tabular}\n\na note: 1 \\%\n\\end{table}"
    )
