"""``python -m snadnet`` is ``snadnet``."""

from snadnet.cli import main

main()
