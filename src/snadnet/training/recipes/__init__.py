"""How each family of networks is trained, by the name that a configuration file gives as ``recipe``."""

from pathlib import Path
from typing import Any, Final

from snadnet.errors import ConfigError
from snadnet.training.config import DeblurringSettings, check_settings, read_settings
from snadnet.training.recipes.base import Recipe
from snadnet.training.recipes.deblurgan import DeblurGANRecipe
from snadnet.training.recipes.deblurganv2 import DeblurGANv2Recipe
from snadnet.training.recipes.full_size import FullSizeRecipe
from snadnet.training.recipes.regression import RegressionRecipe
from snadnet.training.recipes.snadnet import SNADNetRecipe
from snadnet.training.recipes.umsn import UMSNRecipe
from snadnet.training.recipes.wiener import WienerRecipe

__all__ = ["RECIPES", "Recipe", "load_deblurring_settings"]

RECIPES: Final[dict[str, type[Recipe[Any]]]] = {
    "deblurgan": DeblurGANRecipe,
    "deblurganv2": DeblurGANv2Recipe,
    "full-size": FullSizeRecipe,
    "regression": RegressionRecipe,
    "snadnet": SNADNetRecipe,
    "umsn": UMSNRecipe,
    "wiener": WienerRecipe,
}


def load_deblurring_settings(path: Path, overrides: list[str]) -> DeblurringSettings:
    """Read a YAML file, apply overrides, and check the result by the recipe that it names (SNADNet's if none).

    Raises:
        ConfigError: if the file cannot be read or is no YAML, there is no such recipe, or a setting is unknown to it or
            out of range.
    """
    values = read_settings(path, overrides)
    name = values.get("recipe", "snadnet")
    if name not in RECIPES:
        raise ConfigError(f"{path}: recipe: there is no {name!r}; choose of: {', '.join(RECIPES)}")
    return check_settings(RECIPES[name].settings_type, values, path)
