"""The command line: one module a verb, loaded when the verb is used."""

import sys

from snadnet.cli.shared.loading import loading, own_process

__all__ = ["main"]


def main() -> None:
    """Run the command line; see `snadnet.cli.app.main`."""
    try:
        # Loading takes a moment, in which a user may change their mind.
        own_process()
        with loading():
            from snadnet.cli.app import main as run  # noqa: PLC0415
            from snadnet.cli.shared.standard_streams import replace_closed_streams  # noqa: PLC0415
        replace_closed_streams()
        run()
    except KeyboardInterrupt:
        sys.exit(130)
