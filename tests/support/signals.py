"""Signals as a process that a person starts at a terminal has them."""

import signal


def heed_signals() -> None:
    """For a test run that is itself in the background, and may have been told to ignore Ctrl-C or a closed terminal."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
