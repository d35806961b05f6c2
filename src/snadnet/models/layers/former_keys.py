"""Loading weights that were saved before a module was renamed."""

from typing import Any

from torch import nn


def accept_former_keys(module: nn.Module, **names: str) -> None:
    """Let ``module.load_state_dict`` take keys under former names of its direct children.

    Args:
        module: The module whose children were renamed.
        names: Today's name of each child, by its former name.
    """

    def rename(_: nn.Module, state: dict[str, Any], prefix: str, *_rest: object) -> None:
        for former, name in names.items():
            start = f"{prefix}{former}."
            for key in [key for key in state if key.startswith(start)]:
                state[f"{prefix}{name}.{key.removeprefix(start)}"] = state.pop(key)

    module.register_load_state_dict_pre_hook(rename)  # type: ignore[no-untyped-call]
