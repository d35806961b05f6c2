"""The registered networks as the runtime knows them, without PyTorch."""

from typing import Final

FORMER_NAMES: Final = {
    f"{name}-cpu": f"{name}-tiny"
    for name in (
        "deblurgan",
        "deblurganv2-inception",
        "deblurganv2-mobilenet",
        "dmphn-1-2-4",
        "dmphn-1-2-4-8",
        "mprnet",
        "nafnet",
        "umsn",
    )
}
"""Names that networks once had, which weights files and configurations may still carry, to today's names."""


def current_name(name: str) -> str:
    """Return today's name of a network; any other text is returned unchanged."""
    return FORMER_NAMES.get(name, name)
