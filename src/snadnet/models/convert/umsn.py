"""UMSN: the segmentation network's file and the deblurring network's, with the confidence network inside the latter.

What is known of the authors' names: those of the streams, of the confidence network, of the heads, and of the layers in
a block. The blocks themselves are found by the shapes of their layers. Where several have the same, their order in the
file, which is that of the authors' constructor, must be that of their numbers, and is taken for the order in which they
run.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import torch

from snadnet.errors import WeightsError
from snadnet.models.convert.layout import Layout, Renames, State, joined, numbered

_SEGMENTATION: Final = "netS"
_DEBLURRING: Final = "netG"
_CLASSES: Final = 4

_STREAM_HEADS = {"conv_refin_in": "refine_input", "conv_refin": "refine", "refine3": "output_head.residual"}
_SIDES = ("conv11", "conv21", "conv31", "conv3_11", "conv3_21", "conv41", "conv51")
_SIDE_HEADS = {name: f"sides.heads.{index}" for index, name in enumerate(_SIDES)}
_HEADS = {
    **joined(
        {_DEBLURRING: "deblurring"},
        {
            **joined(numbered("deblur_class{}", "streams.{}", _CLASSES, start=1), _STREAM_HEADS),
            **_SIDE_HEADS,
            "conv_refin_in": "refine_input",
            "conv_refin": "refine",
            "conv_refin_in64": "refine_input_half_res",
            "conv_refin64": "refine_half_res",
            "refine3": "output_head.residual",
            "refineclean1": "output_head.first",
            "refineclean2": "output_head.second",
        },
    ),
    **joined(
        {_SEGMENTATION: "segmentation"},
        {
            **_SIDE_HEADS,
            "conv_refin": "refine",
            "conv_refin64": "refine_half_res",
            "refine3": "maps",
            "refine3_i": "maps_half_res",
        },
    ),
}

# Every block in the order in which they run, by where the authors keep them and where we do.
_STREAM_BLOCKS = (
    *("first.0", "first.1", "middle.0.0", "middle.0.1", "middle.1.0", "middle.1.1", "last.0", "last.1"),
    *("image_features.0", "image_features.1", "output_head.first", "output_head.second"),
)
_BLOCKS: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    **{
        (f"{_DEBLURRING}.deblur_class{index + 1}", f"deblurring.streams.{index}"): _STREAM_BLOCKS
        for index in range(_CLASSES)
    },
    (_DEBLURRING, "deblurring"): (
        *("join_streams", "first.0", "first.1", "second.0", "second.1"),
        *(f"middle.{stage}.{part}" for stage in range(4) for part in range(2)),
        *("fifth", "upsample_fifth", "sixth.0", "sixth.1"),
    ),
    (f"{_DEBLURRING}.conf_ker", "confidence"): (
        *("intro", "first.0", "first.1", "first.2", "repeated", "between", "last", "score"),
    ),
    (_SEGMENTATION, "segmentation"): (
        *("first.0", "first.1", "second.0", "second.1"),
        *(f"coarse.{stage}.{part}" for stage in range(3) for part in range(2)),
        *("fourth.0", "fourth.1", "fifth", "upsample_fifth", "sixth.0", "sixth.1"),
    ),
}

Shapes = frozenset[tuple[str, tuple[int, ...]]]
"""The tensors of a layer or, without their layers' names, of a block."""


def _children(names: Iterable[str], parent: str) -> list[str]:
    """The modules right inside another, in the order of the file."""
    inner = (name.removeprefix(f"{parent}.").split(".")[0] for name in names if name.startswith(f"{parent}."))
    return [f"{parent}.{child}" for child in dict.fromkeys(inner)]


def _layers(state: Mapping[str, torch.Tensor], module: str) -> dict[str, Shapes]:
    """The layers of a module, or itself where it is one, with the shapes of their tensors."""
    layers: dict[str, set[tuple[str, tuple[int, ...]]]] = defaultdict(set)
    for name, tensor in state.items():
        layer, _, tensor_name = name.rpartition(".")
        if tensor_name == "num_batches_tracked":
            continue  # older files lack it
        if layer == module or layer.startswith(f"{module}."):
            layers[layer].add((tensor_name, tuple(tensor.shape)))
    return {layer: frozenset(tensors) for layer, tensors in layers.items()}


def _alike(modules: Mapping[str, object]) -> dict[object, list[str]]:
    """Modules of the same shapes together."""
    groups: dict[object, list[str]] = defaultdict(list)
    for module, shapes in modules.items():
        groups[shapes].append(module)
    return groups


def _signature(layers: Mapping[str, Shapes]) -> tuple[tuple[tuple[str, tuple[int, ...]], ...], ...]:
    return tuple(sorted(tuple(sorted(shapes)) for shapes in layers.values()))


def _number(name: str) -> tuple[str, list[int]]:
    """The beginning of a name, and the numbers in it."""
    return re.split(r"\d", name, maxsplit=1)[0], [int(digits) for digits in re.findall(r"\d+", name)]


def _check_order(modules: list[str], source: str) -> None:
    """Refuse modules whose order in the file is not that of their numbers."""
    last: dict[str, tuple[list[int], str]] = {}
    for module in modules:
        start, numbers = _number(module.rpartition(".")[2])
        before, name = last.get(start, ([], ""))
        if numbers < before:
            raise WeightsError(
                f"{source}: {module} comes after {name} in the file, so that it is not certain which runs first; "
                "give the files that the authors released"
            )
        last[start] = numbers, module


def _matched(theirs: Mapping[str, torch.Tensor], ours: Mapping[str, torch.Tensor], source: str) -> dict[str, str]:
    """Rename the blocks whose shapes are those of ours, layer by layer."""
    renames: dict[str, str] = {}
    for (place, our_place), blocks in _BLOCKS.items():
        candidates = {
            child: _signature(_layers(theirs, child)) for child in _children(theirs, place) if child not in _HEADS
        }
        slots = _alike({f"{our_place}.{block}": _signature(_layers(ours, f"{our_place}.{block}")) for block in blocks})
        for signature, modules in _alike(candidates).items():
            wanted = slots.get(signature, [])
            if len(modules) != len(wanted):
                continue  # the engine refuses them by name, as they cannot be distinguished
            _check_order(modules, source)
            for module, slot in zip(modules, wanted, strict=True):
                our_layers = _alike(_layers(ours, slot))
                for shapes, layers in _alike(_layers(theirs, module)).items():
                    _check_order(layers, source)
                    renames |= dict(zip(layers, our_layers[shapes], strict=True))
    return renames


def _part(_path: Path, state: State) -> str:
    return f"{_DEBLURRING}." if any(name.startswith("deblur_class") for name in state) else f"{_SEGMENTATION}."


class UMSNLayout(Layout):
    """The layout of UMSN, whose blocks are found by their shapes."""

    def renames_for(self, state: State, network: Mapping[str, torch.Tensor], source: str) -> Renames:
        """Return the renames for a checkpoint, given without its unused names, and the network that it is to fill.

        ``source`` is the file, for messages.

        Raises:
            WeightsError: If the order of blocks of the same shapes is not certain.
        """
        tensors = {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}
        return _HEADS | _matched(tensors, network, source)


# Layers of the segmentation network alone; in the deblurring network those of the same names are used.
_SEGMENTATION_DEAD: Final = ("refineclean1", "refineclean2", "batchnorm20", "batchnorm1")
_DEAD = tuple(f"{place}conv10{digit}0.*" for place in ("deblur_class?.", "") for digit in range(1, 5))

UMSN = UMSNLayout(
    files="both files, the segmentation network's (SMaps_Best.pth) and the deblurring network's",
    # Layers that the authors build and never call, and the skips of blocks that have none.
    unused=(
        *(f"{_DEBLURRING}.{name}" for name in _DEAD),
        *(f"{_DEBLURRING}.conf_ker.{name}" for name in ("conv4.*", "*.conv_o.weight")),
        f"{_SEGMENTATION}.*.sharewconv1.*",
        *(f"{_SEGMENTATION}.{name}.*" for name in _SEGMENTATION_DEAD),
    ),
    suffix=".pth",
    part=_part,
    remedy="leave out with --unused what you know to be unused",
)

LAYOUTS = dict.fromkeys(("umsn", "umsn-released"), UMSN)
