"""Reading and writing weights files as data: no file that is read here can run code.

``read_weights`` takes the files that snadnet writes (safetensors that name their network; ``models.read_model`` builds
that network), ``read_state`` what users bring from elsewhere, and ``read_torch_file`` whatever ``torch.save`` wrote.
"""

import copy
import json
import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from snadnet.catalogue import current_name
from snadnet.errors import WeightsError
from snadnet.files import write_atomically
from snadnet.safetensors_header import BASE, is_base_name

_FORMAT: Final = "snadnet-weights-1"
_PART: Final = "part"

# What torch.load raises for damaged bytes, as a trial with 1,500 of them showed, and what it could by its code.
_DAMAGE: Final = (
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
_NO_DATA: Final = re.compile(r"GLOBAL ([\w.]+)")
_BEGINNING: Final = 512
_PAGE: Final = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|head|\?xml|error)", re.IGNORECASE)
_POINTER: Final = b"version https://git-lfs"


class Base(NamedTuple):
    """A weights file that holds one part of a larger network already.

    Attributes:
        file: The file; it stays beside the one that rests on it.
        part: The name of the part.
    """

    file: Path
    part: str


def save_network(
    path: Path, network: nn.Module, name: str, *, fp16: bool = False, base: Base | None = None, **facts: str
) -> None:
    """Write a network's weights and buffers as safetensors, never half a file.

    Args:
        path: The ``.safetensors`` file; an existing one is replaced.
        network: The network.
        name: Its name in the registry.
        fp16: Store floating-point tensors as float16 (they are read back as float32), but for those with a number
            that float16 cannot hold.
        base: A file in the same folder with the weights of a part, which are left out here.
        facts: Further text that the file's header keeps.

    Raises:
        WeightsError: If a tensor has values that are not finite, or the base is not there or holds other weights;
            nothing is written then.
        OSError: If the file cannot be written.
    """
    state = network.state_dict()
    check_finite(state, path, "train the network again from an earlier checkpoint")
    tensors = {}
    for key, tensor in state.items():
        stored = tensor
        if fp16 and tensor.is_floating_point() and (rounded := tensor.half()).isfinite().all():
            stored = rounded
        tensors[key] = stored.detach().cpu().contiguous()
    header = {"format": _FORMAT, "model": current_name(name), "facts": json.dumps(facts)}
    if base is not None:
        # Loaded, as a file of old may have other names.
        held = copy.deepcopy(network.get_submodule(base.part))
        load_state(held, read_weights(base.file)[1], base.file)
        for key, tensor in held.state_dict(prefix=f"{base.part}.").items():
            if not tensors.pop(key).to(tensor.dtype).equal(tensor):
                raise WeightsError(f"{base.file}: holds other weights of {key} than the network; give its own")
        header |= {BASE: base.file.name, _PART: base.part}
    write_atomically(path, save(tensors, metadata=header))


def load_state(network: nn.Module, state: Mapping[str, Tensor], path: str | Path) -> None:
    """Load tensors by name into a network that is already built, strictly.

    Args:
        network: A network, or a part of one.
        state: Its tensors, as of ``read_weights``.
        path: The file they come from, for messages.

    Raises:
        WeightsError: If a tensor is missing, left over or of another shape.
    """
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        detail = " ".join(str(error).split())[:300]
        raise WeightsError(f"{path}: the weights do not fit the network ({detail})") from error


def read_weights(path: Path) -> tuple[str, dict[str, Tensor]]:
    """Return the name of the network in a weights file, and its tensors by name.

    Floating-point tensors are returned as float32. Those of a part that lie in another file (`Base`) are read from it.

    Raises:
        WeightsError: If the file, or what it rests on, is missing, damaged, not one that ``save_network`` wrote, or has
            values that are not finite.
    """
    header, state = _read_with_base(path, ())
    return current_name(header["model"]), state


def _read_file(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The header of one weights file, and the tensors that it holds itself."""
    if not path.is_file():
        raise WeightsError(f"{path}: no such weights file; give the path of a .safetensors file")
    _check_beginning(path)
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dictionary)
    except (SafetensorError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"{path}: not a readable safetensors file ({reason}); fetch it again") from error
    if header.get("format") != _FORMAT or "model" not in header:
        raise WeightsError(f"{path}: does not say which snadnet model it holds; use a file that snadnet wrote")
    check_finite(state, path, "give a file of an earlier step or another training")
    return header, {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in state.items()}


def _read_with_base(path: Path, above: tuple[str, ...]) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The header of a weights file, and its tensors with those of the file that it rests on.

    Args:
        path: The file.
        above: The names of the files that rest on it.
    """
    header, state = _read_file(path)
    if BASE not in header:
        return header, state
    name, part = header[BASE], header.get(_PART, "")
    if not is_base_name(name) or name in (path.name, *above):
        raise WeightsError(f"{path}: names {name!r} as a file beside it, which is none; fetch it again")
    file = path.with_name(name)
    if not file.is_file():
        raise WeightsError(f"{path}: rests on the weights in {name}, which is not beside it; copy both")
    held = _read_with_base(file, (path.name, *above))[1]
    return header, state | {f"{part}.{key}": tensor for key, tensor in held.items()}


def read_state(path: Path, *, what: str, remedy: str) -> dict[str, Any]:
    """Return the tensors by name of a file that the user brings: ``.safetensors``, or one that ``torch.save`` wrote.

    Args:
        path: The file.
        what: What should be in it, for the message.
        remedy: Where to get it, for the message.

    Raises:
        WeightsError: If the file is missing, damaged, or holds more than data.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: no such file with {what}; {remedy}")
    if path.suffix != ".safetensors":
        return read_torch_file(path)
    _check_beginning(path)
    try:
        return load_file(path)
    except SafetensorError as error:
        raise WeightsError(f"{path}: not a readable safetensors file; {remedy}") from error


def read_torch_file(path: Path) -> dict[str, Any]:
    """Return the dictionary that ``torch.save`` wrote to a file, its tensors on the CPU.

    Raises:
        WeightsError: If the file is damaged, holds more than data, or no dictionary.
    """
    _check_beginning(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch asks for a report to its own authors
            state = torch.load(path, map_location="cpu", weights_only=True)
    except _DAMAGE as error:
        # PyTorch's own message is left out: it advises to load the file unsafely.
        if refused := _NO_DATA.search(str(error)):
            raise WeightsError(
                f"{path}: not read, since it holds more than data ({refused[1]}), which could run code; "
                "have whoever made it save the tensors alone (state_dict)"
            ) from error
        raise WeightsError(f"{path}: damaged, or no state that PyTorch saved; copy it again") from error
    if not isinstance(state, dict):
        raise WeightsError(
            f"{path}: holds a {type(state).__name__}, no dictionary; have whoever made it save the tensors (state_dict)"
        )
    return state


def load_backbone(backbone: nn.Module, path: Path, *, source: str, unused: tuple[str, ...]) -> None:
    """Load ImageNet weights that the user brings into a part of a network, strictly.

    Args:
        backbone: The part; its class name is what messages call it.
        path: A ``.safetensors`` file or a state dict that ``torch.save`` wrote (read without running code).
        source: Where to get the file, for messages.
        unused: How the names of layers begin that the network leaves out.

    Raises:
        WeightsError: If the file is missing, unreadable or of another network; the message says where to get it.
    """
    kind, remedy = type(backbone).__name__, f"get it from {source}"
    state = read_state(path, what=f"ImageNet weights of {kind}", remedy=remedy)
    used = {name: tensor for name, tensor in state.items() if not str(name).startswith(unused)}
    check_finite(used, path, remedy)
    try:
        backbone.load_state_dict(used, strict=True)
    except (RuntimeError, AttributeError) as error:  # the second for what is no tensor
        detail = " ".join(str(error).split())[:200]
        raise WeightsError(f"{path}: holds no {kind} weights of this width ({detail}); {remedy}") from error


def check_finite(state: Mapping[str, Any], source: str | Path, remedy: str) -> None:
    """Refuse tensors with values that are NaN or infinite.

    Args:
        state: Tensors by name.
        source: The file, for the message.
        remedy: What to do, for the message.

    Raises:
        WeightsError: If there are such values; the message names the first tensor.
    """
    bad = [
        name
        for name, value in state.items()
        if isinstance(value, Tensor) and value.is_floating_point() and not value.isfinite().all()
    ]
    if bad:
        more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        raise WeightsError(f"{source}: {bad[0]}{more} has values that are not finite (NaN or infinity); {remedy}")


def _check_beginning(path: Path) -> None:
    """Refuse what is often saved in place of weights: a web page, or the pointer that Git LFS keeps in a repository.

    Raises:
        WeightsError: If it is one of them, or the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror}); check the file and its permissions") from error
    if beginning.startswith(_POINTER):
        raise WeightsError(
            f"{path}: is a Git LFS pointer, no weights; fetch them with 'git lfs pull', or download the file itself"
        )
    if _PAGE.match(beginning):
        raise WeightsError(
            f"{path}: is a web page, not weights; the download failed or wants a confirmation, so save the file itself "
            "from a browser"
        )
