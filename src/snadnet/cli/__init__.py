"""The command line: one module a verb, loaded when the verb is used."""

import atexit
import gc
import sys
from typing import Final

__all__ = ["main"]


_COLLECTED_AFTER: Final = 50_000


def main() -> None:
    """Run the command line; see `snadnet.cli.app.main`."""
    # Loading makes many objects that all stay: looking for garbage among them, which Python does after each 700 and
    # once more at the end, takes a fifth of the time of --help.
    gc.set_threshold(_COLLECTED_AFTER)
    atexit.register(gc.freeze)
    try:
        # Loading takes a moment, in which a user may change their mind.
        from snadnet.cli.app import main as run  # noqa: PLC0415
        from snadnet.cli.shared.standard_streams import replace_closed_streams  # noqa: PLC0415

        replace_closed_streams()
        run()
    except KeyboardInterrupt:
        sys.exit(130)
