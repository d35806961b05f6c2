"""The packages that work on a cluster needs."""

from importlib.util import find_spec

from snadnet.errors import ConfigError


def require_cluster_extra() -> None:
    """Raise ConfigError, with the remedy, unless the packages of ``snadnet[cluster]`` are installed."""
    if any(find_spec(package) is None for package in ("ray", "pyarrow", "pandas")):
        raise ConfigError("photos on a cluster need more packages: pip install 'snadnet[cluster]'")
