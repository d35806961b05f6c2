"""Finding what the modules of a package declare, so that a new one need not be listed anywhere."""

import sys
from importlib import import_module
from pkgutil import iter_modules
from typing import Any


def collect(package: str, attribute: str, *, skip: tuple[str, ...] = (), packages: bool = False) -> list[Any]:
    """Import the modules of a package, in alphabetical order, and return an attribute of those that have it.

    Args:
        package: Full name of a package that is loaded, or being loaded.
        attribute: What to look for.
        skip: Modules not to import.
        packages: Look into packages alone, not into plain modules.
    """
    found = [each for each in iter_modules(sys.modules[package].__path__) if each.ispkg or not packages]
    modules = [import_module(f"{package}.{name}") for name in sorted(each.name for each in found) if name not in skip]
    return [getattr(module, attribute) for module in modules if hasattr(module, attribute)]
