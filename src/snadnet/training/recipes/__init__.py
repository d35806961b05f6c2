"""How each family of networks is trained, by the name that a configuration file gives as ``recipe``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from snadnet.errors import ConfigError
from snadnet.models import list_models
from snadnet.training.config import RunSettings
from snadnet.training.config_files import check_settings, read_settings
from snadnet.training.recipes.base import Recipe
from snadnet.training.recipes.deblurgan import DeblurGANRecipe
from snadnet.training.recipes.deblurganv2 import DeblurGANv2Recipe
from snadnet.training.recipes.full_size import FullSizeRecipe
from snadnet.training.recipes.joint import JointRecipe
from snadnet.training.recipes.parsing import ParsingRecipe
from snadnet.training.recipes.regression import RegressionRecipe
from snadnet.training.recipes.snadnet import SNADNetRecipe
from snadnet.training.recipes.turn import TurnRecipe
from snadnet.training.recipes.umsn import UMSNRecipe
from snadnet.training.recipes.wiener import WienerRecipe

__all__ = ["RECIPES", "Recipe", "load_settings", "recipe_settings"]

RECIPES: Final[dict[str, type[Recipe[Any, Any]]]] = {
    "deblurgan": DeblurGANRecipe,
    "deblurganv2": DeblurGANv2Recipe,
    "full-size": FullSizeRecipe,
    "joint": JointRecipe,
    "parsing": ParsingRecipe,
    "regression": RegressionRecipe,
    "snadnet": SNADNetRecipe,
    "turn": TurnRecipe,
    "umsn": UMSNRecipe,
    "wiener": WienerRecipe,
}


def load_settings(path: Path, overrides: Sequence[str] = ()) -> RunSettings:
    """Read a configuration file, apply overrides, and check the result by the recipe that it names.

    A file without ``recipe`` is for the parsing recipe if its model is a parser, else for SNADNet's.

    Args:
        path: A YAML file; `snadnet.training.config_files.read_settings` says how it may extend others.
        overrides: Settings like ``optimizer.learning_rate=1e-4``.

    Raises:
        ConfigError: If the file cannot be read or is no YAML, there is no such recipe, or a setting is unknown to it
            or out of range.
    """
    return recipe_settings(read_settings(path, overrides), path)


def recipe_settings(values: dict[str, Any], path: Path) -> RunSettings:
    """Check settings by the recipe that they name.

    Args:
        values: As `snadnet.training.config_files.read_settings` returns them.
        path: The file that they are of, for messages.

    Raises:
        ConfigError: If there is no such recipe, or a setting is unknown to it or out of range.
    """
    name = values.setdefault("recipe", "parsing" if values.get("model") in list_models("parsing") else "snadnet")
    if name not in RECIPES:
        raise ConfigError(f"{path}: recipe: there is no {name!r}; choose of: {', '.join(RECIPES)}")
    return check_settings(RECIPES[name].settings_type, values, path)
