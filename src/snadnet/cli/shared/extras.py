"""Errors for packages of an extra that are not installed."""

from importlib.util import find_spec

from snadnet.errors import ConfigError


def require_training_extra() -> None:
    """Raise ConfigError, with the remedy, unless the packages of ``snadnet[train]`` are installed."""
    if any(find_spec(package) is None for package in ("accelerate", "torch")):
        raise ConfigError("training and its data need more packages: pip install 'snadnet[train]'")
