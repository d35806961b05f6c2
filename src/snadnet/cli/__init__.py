"""The command line: one module a verb."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; see :func:`snadnet.cli.app.main`."""
    try:
        # Loading takes a second or so, in which a user may change their mind.
        from snadnet.cli.app import main as run  # noqa: PLC0415

        run()
    except KeyboardInterrupt:
        sys.exit(130)
