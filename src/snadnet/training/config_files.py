"""Configuration files: YAML that may extend other files, overrides from the command line, and their check."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from snadnet.errors import ConfigError

EXTENDS: Final = "extends"
"""The key that names the files, relative to its own, whose settings a file starts from."""

_RENAMED: Final = {
    "teacher": "label_parser",
    "second_look": "refinement_pass",
    "second_look.first_looks": "refinement_pass.first_passes",
    "picture_start": "image_start",
    "picture_weight": "image_weight",
}

Model = TypeVar("Model", bound=BaseModel)


def read_settings(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Read a YAML file with the files that it extends, and apply overrides; nothing is checked yet.

    ``extends: ../shared/mixture.yaml`` (or a list of such paths, relative to the file) names files to start from.
    Mappings are merged at every depth; lists and plain values of the later file replace those of the earlier.

    Args:
        path: The file.
        overrides: Settings like ``optimizer.learning_rate=1e-4``.

    Returns:
        The merged settings, without ``extends``.

    Raises:
        ConfigError: If a file cannot be read, is no YAML mapping or extends itself, or an override has no place.
    """
    return with_overrides(_read_extended(path, ()), overrides)


def with_overrides(values: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return settings with overrides like ``optimizer.learning_rate=1e-4`` applied; nothing is checked yet.

    Raises:
        ConfigError: If an override has no place.
    """
    changed = copy.deepcopy(dict(values))
    for override in overrides:
        _override(changed, override)
    return changed


def merge_settings(base: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with others over them: mappings are merged at every depth, anything else is replaced."""
    merged = dict(base)
    for key, value in values.items():
        before = merged.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        merged[key] = merge_settings(before, value) if both else value  # type: ignore[arg-type]
    return merged


def check_settings(kind: type[Model], values: Mapping[str, Any], path: Path) -> Model:
    """Turn what a file held into settings.

    Args:
        kind: The settings to make.
        values: What `read_settings` returned.
        path: The file, for messages.

    Raises:
        ConfigError: If a setting is missing, unknown, out of range, or has another name by now.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the settings"
        if first["type"] == "extra_forbidden" and place in _RENAMED:
            raise ConfigError(f"{path}: {place}: is now called {_RENAMED[place]}; rename it") from error
        raise ConfigError(f"{path}: {place}: {first['msg']}") from error


def _read_extended(path: Path, extending: tuple[Path, ...]) -> dict[str, Any]:
    """Return the settings of a file over those of the files that it extends."""
    place = path.resolve()
    if place in extending:
        chain = " extends ".join(each.name for each in (*extending[extending.index(place) :], place))
        raise ConfigError(f"{path}: the files extend each other in a circle ({chain}); remove one {EXTENDS}")
    values = _read_yaml(path)
    bases = values.pop(EXTENDS, [])
    bases = [bases] if isinstance(bases, str) else bases
    if not isinstance(bases, list) or not all(isinstance(base, str) for base in bases):
        raise ConfigError(f"{path}: {EXTENDS}: give the path of a file, or a list of paths")
    merged: dict[str, Any] = {}
    for base in bases:
        merged = merge_settings(merged, _read_extended(path.parent / base, (*extending, place)))
    return merge_settings(merged, values)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); give the path of a YAML file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not valid YAML ({' '.join(str(error).split())})") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: holds no settings; it must be a YAML mapping")
    return values


def _override(values: dict[str, Any], override: str) -> None:
    """Set one value by its dotted path; numbers walk into lists."""
    key, equals, text = override.partition("=")
    if not equals:
        raise ConfigError(f"'{override}': write an override as key=value, like schedule.steps=1000")
    *parents, last = key.strip().split(".")
    place: Any = values
    try:
        for parent in parents:
            place = place[int(parent)] if isinstance(place, list) else place.setdefault(parent, {})
        if isinstance(place, list):
            place[int(last)] = yaml.safe_load(text)
        else:
            place[last] = yaml.safe_load(text)
    except (ValueError, IndexError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise ConfigError(f"'{override}': there is no such setting ({error})") from error
