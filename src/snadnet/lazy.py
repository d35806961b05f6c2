"""Packages whose names are loaded when they are first asked for, so that importing one of them is quick."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module


def load_lazily(package: str, modules: Mapping[str, Sequence[str]]) -> Callable[[str], object]:
    """Return a package's ``__getattr__``, which gives these names.

    Args:
        package: The package's ``__name__``.
        modules: Names, by the module that each comes from.
    """
    module_of = {name: module for module, names in modules.items() for name in names}

    def get(name: str) -> object:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(module_of[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return get
