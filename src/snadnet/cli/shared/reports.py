"""Printing and writing of reports, for the verbs that measure something."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from snadnet.files import write_atomically


class Form(StrEnum):
    """The forms that a report is printed in."""

    TEXT = "text"
    MARKDOWN = "markdown"
    LATEX = "latex"
    JSON = "json"


SUFFIX_OF: Final = {Form.TEXT: ".txt", Form.MARKDOWN: ".md", Form.LATEX: ".tex", Form.JSON: ".json"}
"""The suffix of the file that holds each form."""

FormOption = Annotated[Form, typer.Option("--format", help="How to print the result.")]


def publish(forms: Mapping[str, Callable[[], str]], form: Form, outputs: Sequence[Path]) -> None:
    """Print a report in one form, and write files in the forms that their suffixes name.

    Args:
        forms: The forms by suffix, lower case, each made when it is asked for.
        form: What is printed.
        outputs: The files; ``snadnet.cli.shared.outputs.check_outputs`` has checked them.

    Raises:
        OSError: If a file cannot be written.
    """
    typer.echo(forms[SUFFIX_OF[form]](), nl=False)
    for path in outputs:
        write_atomically(path, forms[path.suffix.lower()]().encode("utf-8"))
