"""What the package calls wrong usage, as the command line shows it: with the option, and exit code 2."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from snadnet.errors import UsageError


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn a `UsageError` into typer's own; a decorator of a verb.

    Raises:
        BadParameter: In the place of a UsageError.
    """
    try:
        yield
    except UsageError as error:
        raise typer.BadParameter(str(error), param_hint=error.argument) from error
