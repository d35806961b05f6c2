"""The one door to networks: from a name or a file to a network that runs.

Every verb, the class and the service open their networks here, so that one word means one thing everywhere.
"""

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from snadnet.catalogue import current_name
from snadnet.errors import ConfigError, ModelError, WeightsError
from snadnet.inference.backend import Backend
from snadnet.inference.devices import Device
from snadnet.inference.mirrored import check_effort, with_effort
from snadnet.inference.onnx_backend import OnnxBackend
from snadnet.inference.onnx_safety import read_graph_file
from snadnet.inference.releases import (
    DEFAULT_NAMES,
    WITH_ONE_MORE_PASS,
    Task,
    find_release,
    released_weights,
    selectable_names,
    weights_with_one_more_pass,
)
from snadnet.photo import printable, refused_url
from snadnet.safetensors_header import read_parts

if TYPE_CHECKING:
    from torch import nn

TORCH_SUFFIX: Final = ".safetensors"
"""Weights files of this ending run on PyTorch; all others are taken for ONNX graphs."""

_SUFFIXES: Final = (".onnx", TORCH_SUFFIX)
_FOREIGN_SUFFIXES: Final = (".pth", ".pt", ".ckpt")
_FILES: Final = {
    "deblurring": ".onnx of snadnet export, or .safetensors of snadnet train or snadnet import",
    "parsing": ".safetensors of snadnet train",
}


def resolve_weights(name_or_path: str | Path | None = None, *, task: Task = "deblurring") -> Path:
    """Return the file of the weights that a user asked for.

    A name is a release's, whatever files there are beside; a name that ends as weights files do (``.onnx``,
    ``.safetensors``) is a file where there is one, else a release's file.

    Args:
        name_or_path: ``"fidelity"`` or ``"natural"``, the name of a release or of one of its files, or the path of a
            file. None takes the default release.
        task: What the network is to do: it settles the default and which names a message lists.

    Raises:
        WeightsError: If the file is missing, or there is no such name; or if a release's file is missing or damaged.
            What is in a user's own file is not looked at.
    """
    if name_or_path is None:
        return released_weights(DEFAULT_NAMES[task])
    path = Path(name_or_path)
    # Not pathlib's is_file, which raises where a path cannot even be looked up.
    exists = os.path.isfile(path)  # noqa: PTH113
    if exists and path.suffix.lower() in _SUFFIXES:
        return path
    release = find_release(str(name_or_path))
    if release is not None:
        return released_weights(release)
    if exists:
        return path
    raise WeightsError(_not_found(str(name_or_path), path, task))


def weights_digest(path: Path) -> str:
    """Return the SHA-256 of all that a network computes with, hexadecimal: of a file, and of what it rests on.

    Args:
        path: An ONNX or a safetensors file; of one that stands alone it is the file's own.

    Raises:
        WeightsError: If the file is missing or damaged.
    """
    if path.suffix.lower() != TORCH_SUFFIX:
        return hashlib.sha256(read_graph_file(path)).hexdigest()
    try:
        return hashlib.sha256(b"".join(read_parts(path).values())).hexdigest()
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path}: not a readable safetensors file ({error}); fetch it again") from error


def load_model(name_or_path: str | Path | None = None, device: Device = "auto", effort: int = 1) -> Backend:
    """Open a deblurring network.

    Args:
        name_or_path: ``"fidelity"`` or ``"natural"``, the name of a release, or a file that ``snadnet export``
            (.onnx), ``snadnet train`` or ``snadnet import`` (.safetensors, on PyTorch) wrote. None is ``"fidelity"``.
        device: ``"auto"`` for CUDA where the file's runtime has it and the CPU elsewhere; or ``"cpu"``, ``"cuda"``, or
            for an ONNX file another device of `snadnet.inference.devices`.
        effort: How much is spent on a crop. 2 takes the release that goes one pass further, where there is one, and
            restores the mirror image too of all others; 3 does both.

    Raises:
        WeightsError: If there is no such name, or the file is missing or damaged.
        ModelError: If the network is a face parser, or the device is unknown or not there.
        ConfigError: If the file needs PyTorch, which is not installed, or ``effort`` is out of range.
    """
    path, remaining = weights_for_effort(name_or_path, effort)
    return with_effort(_opened(path, device), remaining)


def weights_for_effort(name_or_path: str | Path | None, effort: int) -> tuple[Path, int]:
    """Return the file that `load_model` opens, and the effort that is left to spend on it.

    Args:
        name_or_path: As there.
        effort: As there.

    Raises:
        WeightsError: If there is no such name, or the file is missing or damaged.
        ConfigError: If ``effort`` is out of range.
    """
    check_effort(effort)
    path = resolve_weights(name_or_path)
    further = weights_with_one_more_pass(path) if effort > 1 else None
    return (path, effort) if further is None else (resolve_weights(further), effort - 1)


def _opened(path: Path, device: Device) -> Backend:
    if path.suffix.lower() != TORCH_SUFFIX:
        return OnnxBackend(path, device)
    if path in [resolve_weights(name) for name in selectable_names("parsing")]:  # said without PyTorch too
        raise ModelError(f"{path.name}: is a face parser; {_remedy('deblurring')}")
    _require_torch(path, "or have it turned into an ONNX file where that is installed: snadnet export")
    from snadnet.inference.torch_backend import TorchBackend  # noqa: PLC0415 (needs PyTorch)

    return TorchBackend(path, device)


def load_parser(name_or_path: str | Path | None = None, device: Device = "auto") -> "nn.Module":
    """Open a face parser.

    Args:
        name_or_path: The name of a release, or a ``.safetensors`` file. None is the released sharp-face parser.
        device: ``"cpu"``, ``"cuda"``, or ``"auto"`` for CUDA where PyTorch has it and the CPU elsewhere.

    Returns:
        A network in evaluation mode on that device: RGB ``(B, 3, H, W)`` in [0, 1] in, logits ``(B, 19, H, W)`` out.

    Raises:
        WeightsError: If there is no such name, or the file is missing or damaged.
        ModelError: If the network is not a face parser, or the device is unknown or not there.
        ConfigError: If PyTorch is not installed.
    """
    path = resolve_weights(name_or_path, task="parsing")
    if path.suffix.lower() == ".onnx":
        raise ModelError(f"{printable(path)}: is no face parser but an ONNX graph; {_remedy('parsing')}")
    _require_torch(path, "face parsers run on that alone")
    from snadnet.inference.torch_backend import torch_device  # noqa: PLC0415 (needs PyTorch)
    from snadnet.models import describe_model, read_model, read_weights  # noqa: PLC0415

    place = torch_device(device)
    model, _ = read_weights(path)
    if describe_model(model).task != "parsing":
        raise ModelError(f"{printable(path)}: is no face parser but holds {model!r}; {_remedy('parsing')}")
    return read_model(path).to(place)


def check_model(network: Backend, model: str, path: str | Path) -> None:
    """Hold a network to the name that a user expects in its file.

    Raises:
        WeightsError: If it is another network, or its file does not say which it is.
    """
    if network.model is None:
        raise WeightsError(f"{printable(path)}: does not say which model it holds; export it again, or name no model")
    wanted = current_name(model)
    if network.model not in (wanted, WITH_ONE_MORE_PASS.get(wanted)):  # more effort may have taken the other
        raise WeightsError(
            f"{printable(path)}: holds the model {printable(network.model)[:40]!r}, not {printable(model)!r}; "
            "give that model's file, or name no model"
        )


def _not_found(text: str, path: Path, task: Task) -> str:
    """Say in one line why no file is found, and what there is."""
    name, remedy = printable(text), _remedy(task)
    if refusal := refused_url(text):
        return refusal
    if os.path.isdir(path):  # noqa: PTH112 (as above)
        return f"{name}: is a folder; give the file in it"
    if path.suffix.lower() in (*_SUFFIXES, *_FOREIGN_SUFFIXES) or len(path.parts) != 1:
        return f"{name}: no such weights file; {remedy}"
    return f"no released weights are called '{name[:200]}'; {remedy}"


def _remedy(task: Task) -> str:
    names = ", ".join(selectable_names(task))
    return f"choose one of: {names}; or give a file ({_FILES[task]})"


def _require_torch(path: Path, otherwise: str) -> None:
    if any(find_spec(package) is None for package in ("torch", "safetensors")):
        raise ConfigError(f"{printable(path)}: needs PyTorch: pip install 'snadnet[train]'; {otherwise}")
