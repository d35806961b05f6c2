"""The command line: one module a verb."""

from snadnet.cli.app import main

__all__ = ["main"]
