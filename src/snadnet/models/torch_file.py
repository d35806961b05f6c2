"""Reading what ``torch.save`` wrote (our checkpoints, other projects' weights), as data that cannot run code."""

import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from snadnet.errors import WeightsError

# What torch.load raises for damaged bytes, as a trial with 1,500 of them showed, and what it could by its code.
_DAMAGE = (
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
)
# How torch.load names what is no data in a file.
_NO_DATA = re.compile(r"GLOBAL ([\w.]+)")


def read_torch_file(path: Path) -> dict[str, Any]:
    """Return the dictionary that a file holds, its tensors on the CPU.

    Raises:
        WeightsError: If the file is damaged, holds more than data, or no dictionary.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(state, dict):
            raise TypeError(f"holds a {type(state).__name__}")
    except _DAMAGE as error:
        if refused := _NO_DATA.search(str(error)):
            raise WeightsError(
                f"{path}: not read, since it holds more than data ({refused[1]}), which could run code; "
                "have whoever made it save the tensors alone (state_dict)"
            ) from error
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"{path}: damaged, or no state that PyTorch saved ({reason}); copy it again") from error
    return state


def read_brought_weights(path: Path, *, what: str, remedy: str) -> dict[str, Any]:
    """Return the tensors by name of a weights file that the user brings: ``.safetensors``, or as PyTorch saves them.

    Args:
        path: The file.
        what: What should be in it, for the message.
        remedy: Where to get it, for the message.

    Raises:
        WeightsError: If the file is missing, damaged, or holds more than data.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: no such file with {what}; {remedy}")
    try:
        return load_file(path) if path.suffix == ".safetensors" else read_torch_file(path)
    except SafetensorError as error:
        raise WeightsError(f"{path}: not a readable safetensors file; {remedy}") from error
