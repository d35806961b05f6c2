"""``python -m snadnet.cli`` is ``snadnet``."""

from snadnet.cli import main

main()
