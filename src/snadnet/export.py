"""ONNX export of deblurring models: blurred crop in, restored crop out, with parsing map and kernel if there are any.

The graph keeps the contract of `snadnet.inference`: it maps to the network's range and back and clamps, and the
runtime pads. Weights are stored in half precision, which halves the file, and computed with in float32.
"""

import copy
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from onnx_ir.passes import common as passes
from onnxscript import ir
from onnxscript.optimizer import fold_constants_ir
from torch import Tensor, nn

from snadnet.errors import ConfigError, ModelError
from snadnet.files import write_atomically
from snadnet.inference.onnx_metadata import describe
from snadnet.inference.shared_tensors import TYPES
from snadnet.models.checkpoint_io import check_finite
from snadnet.models.restorer import Restored, Restorer
from snadnet.safetensors_header import read_parts, tensor_places

OPSET = 20
_LARGE = 256
"""Tensors with fewer numbers than this stay in float32: they cost nothing."""

_ROWS_AND_COLUMNS = (2, 3)
_LARGEST_SIDE = 2048
_FOLDINGS = 2
_Network = TypeVar("_Network", bound=nn.Module)


class _Graph(nn.Module):
    """A model without padding: the runtime pads."""

    def __init__(self, model: Restorer) -> None:
        super().__init__()
        self.model = model

    def forward(self, blurred: Tensor) -> tuple[Tensor, ...]:
        return tuple(_made(self.model.restore_unpadded(blurred)).values())


def _made(output: Restored) -> dict[str, Tensor]:
    """What a model makes, by its name in the graph."""
    return {name: value for name, value in output._asdict().items() if value is not None}


def round_to_fp16(network: _Network) -> _Network:
    """Return a copy of a network whose weights are numbers of half precision, in float32.

    It is what a weights file in half precision holds: constants of the network that no file holds stay as they are,
    and so does a tensor with a number that half precision cannot hold (65,504 is its largest).
    """
    rounded = copy.deepcopy(network)
    for tensor in rounded.state_dict().values():
        if tensor.is_floating_point() and (fp16 := tensor.half()).isfinite().all():
            tensor.copy_(fp16)
    return rounded


def export_onnx(
    model: nn.Module, path: Path, *, log_step: Callable[[str], None] = lambda _step: None, **facts: str
) -> None:
    """Write a model as ONNX, never half a file.

    The weights are rounded to half precision: the graph computes what ``round_to_fp16(model)`` does.

    Args:
        model: A deblurring model, of `snadnet.models.create_model` or `snadnet.models.read_model`.
        path: The ``.onnx`` file; an existing one is replaced.
        log_step: Called with a few words before each step, of which a large network's take minutes.
        facts: Text kept in the file's metadata, beside the model's name and sizes.

    Raises:
        ModelError: If it is no deblurring model, or gives another result each time (dropout at inference).
        WeightsError: If a tensor of the model has values that are not finite.
        OSError: If the file cannot be written.
    """
    if not isinstance(model, Restorer):
        raise ModelError(f"a {type(model).__name__} cannot be exported; give weights of a deblurring network")
    name, size = model.descriptor.name, model.descriptor.size
    check_finite(model.core.state_dict(), name, "export weights of an earlier step or another training")
    rounded = round_to_fp16(model).eval().cpu()
    height, width = size.padded(1, 1)
    example = torch.rand(2, 3, height + 2 * size.height_multiple, width + 3 * size.width_multiple)
    log_step(f"{name}: running it once")
    with torch.no_grad():
        output, again = (rounded.restore_unpadded(example) for _ in range(2))
    if not output.restored.equal(again.restored):
        raise ModelError(f"{name} draws at random as it restores, which no graph can; run its weights")
    log_step(f"{name}: tracing its operations")
    onnx_model = _traced(rounded, example, outputs=list(_made(output)))
    log_step(f"{name}: checking and writing the graph")
    _store_as_fp16(onnx_model)
    for node in onnx_model.graph.node:
        # Where in the program each came from: a tenth of the file, and of no use to those who run it.
        node.ClearField("metadata_props")
    for key, value in {**describe(name, size, model.descriptor.crop_size), **facts}.items():
        entry = onnx_model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(onnx_model)
    write_atomically(path, onnx_model.SerializeToString())


def _traced(model: Restorer, example: Tensor, *, outputs: list[str]) -> onnx.ModelProto:
    """The graph of a model, of any batch and any size that the model takes without padding."""
    size = model.descriptor.size
    height, width = size.padded(1, 1)
    with warnings.catch_warnings():
        # The exporter warns of its own deprecations; nothing a user could act on.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _Graph(model),
            (example,),
            input_names=["blurred"],
            output_names=outputs,
            dynamic_shapes={
                "blurred": {
                    0: torch.export.Dim("batch"),
                    2: _free_side("rows", size.height_multiple, height),
                    3: _free_side("columns", size.width_multiple, width),
                }
            },
            opset_version=OPSET,
            dynamo=True,
            optimize=False,
            verbose=False,
        )
        assert program is not None
        _simplify(program.model)
    graph: onnx.ModelProto = program.model_proto
    return graph


def _simplify(model: ir.Model) -> None:
    """Fold what is constant, and join what is computed twice.

    All of the exporter's own passes but its rewriting: that folds batch normalization into weights, which then are no
    longer those of the weights file (`share_tensors`), and takes as long as all else. The runtime does it anyway.
    """
    passes.InlinePass()(model)
    for _ in range(_FOLDINGS):
        fold_constants_ir(model, should_fold=_may_fold)
        passes.RemoveUnusedNodesPass()(model)
    for node in model.graph:
        _pool(node)
    for each in (
        passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        passes.DeduplicateInitializersPass(),
        passes.CommonSubexpressionEliminationPass(),
        passes.OutputFixPass(),
        passes.NameFixPass(),
    ):
        each(model)


def _may_fold(node: ir.Node) -> bool | None:
    """Whether to fold a node; None leaves it to the rules, which do not know what to do with a tensor taken apart."""
    return False if node.op_type == "Split" else None


def _pool(node: ir.Node) -> None:
    """Turn the mean of all rows and columns into a global pooling, for which runtimes need not move the channels."""
    axes = node.inputs[1] if node.op_type == "ReduceMean" and len(node.inputs) > 1 else None
    if axes is None or axes.const_value is None or axes.const_value.numpy().tolist() != list(_ROWS_AND_COLUMNS):
        return
    if node.attributes.get_int("keepdims", 1) == 1:
        node.op_type = "GlobalAveragePool"
        node.attributes.clear()
        node.resize_inputs(1)


def share_tensors(graph: Path, weights: Path) -> None:
    """Let an exported graph keep its tensors in the weights file beside it, wherever that holds the same bytes.

    What the weights file rests on (`snadnet.models.checkpoint_io.Base`) counts as a part of it. The runtime puts the
    tensors back (`snadnet.inference.shared_tensors`), and other ONNX programs read the files by themselves as a model
    with external data. What the weights do not hold, such as constants and folded weights, and what is small stays in
    the graph.

    Args:
        graph: The ``.onnx`` file, which is replaced.
        weights: The ``.safetensors`` file of the same name in the same folder.

    Raises:
        ConfigError: If the weights file has another name or folder.
        OSError: If a file cannot be read or written.
    """
    if weights != graph.with_suffix(".safetensors"):
        raise ConfigError(f"{weights}: is not beside {graph.name} under its name; name both alike, in one folder")
    held = {
        (place.dtype, place.shape, content[place.start : place.start + place.length]): (file.name, place)
        for file, content in read_parts(weights).items()
        for place in tensor_places(content).values()
    }
    model = onnx.load(graph, load_external_data=False)
    for constant in model.graph.initializer:
        found = held.get((TYPES.get(constant.data_type, ""), tuple(constant.dims), constant.raw_data))
        if found is None or np.prod(constant.dims) < _LARGE:
            continue
        file, place = found
        constant.ClearField("raw_data")
        constant.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", file), ("offset", place.start), ("length", place.length)):
            entry = constant.external_data.add()
            entry.key, entry.value = key, str(value)
    write_atomically(graph, model.SerializeToString())


def _free_side(name: str, multiple: int, least: int) -> torch.export.Dim:
    """A side that is any multiple from ``least`` px up; the exporter wants an upper end, the graph has none."""
    steps = torch.export.Dim(name, min=least // multiple, max=_LARGEST_SIDE // multiple)
    return steps if multiple == 1 else multiple * steps


def _store_as_fp16(model: onnx.ModelProto) -> None:
    """Keep large float32 constants as float16, where that loses nothing, and cast them when the graph is loaded.

    The exporter folds batch normalization into the convolutions before it; such weights are no half numbers and stay.
    """
    casts = []
    for constant in model.graph.initializer:
        if constant.data_type != onnx.TensorProto.FLOAT or np.prod(constant.dims) < _LARGE:
            continue
        name = constant.name
        values = numpy_helper.to_array(constant)
        with np.errstate(over="ignore"):  # what is too large is not equal, and stays
            halves = values.astype(np.float16)
        if not np.array_equal(halves.astype(np.float32), values):
            continue
        constant.CopyFrom(numpy_helper.from_array(halves, f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    for node in reversed(casts):
        model.graph.node.insert(0, node)
