"""The exported graph computes what PyTorch does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from skimage import data
from torch import Tensor

from snadnet.errors import ModelError, WeightsError
from snadnet.export import export_onnx, round_to_fp16
from snadnet.inference import OnnxBackend
from snadnet.models import Restorer, SizeRule, create_model, describe_model, read_weights, save_network
from snadnet.models.deblurgan import Generator, GeneratorConfig
from snadnet.models.layers.padding import pad_to_rule
from snadnet.models.snadnet import SMALL, SNADNet
from support.deblurring_model_checks import assert_export_agrees, shaken


@pytest.fixture(scope="module")
def network() -> SNADNet:
    torch.manual_seed(0)
    config = replace(SMALL, widths=(8, 8, 16), encoder_depths=(1, 1, 1), decoder_depths=(1, 1, 1), guidance_width=4)
    network = SNADNet(config, parser_width=0.0625).eval()
    with torch.no_grad():
        for parameter in network.generator.parameters():  # wake the zero-initialised branches
            parameter.add_(0.03 * torch.randn_like(parameter))
    return network


@pytest.fixture(scope="module")
def graph(network: SNADNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "network.onnx"
    export_onnx(Restorer(network, describe_model("snadnet-small")), path, note="a test")
    return path


def face_crops(batch: int, height: int, width: int) -> np.ndarray:
    astronaut = data.astronaut().astype(np.float32) / 255.0
    return np.stack([astronaut[10 * i : 10 * i + height, 150 : 150 + width] for i in range(batch)])


@pytest.mark.parametrize("shape", [(1, 256, 256), (3, 160, 160), (2, 64, 96), (1, 75, 130)])
def test_parity_with_pytorch_on_real_pictures(network: SNADNet, graph: Path, shape: tuple[int, int, int]) -> None:
    crops = face_crops(*shape)
    restored, parsing, kernel, _ = OnnxBackend(graph, "cpu")(crops)

    def cropped(tensor: Tensor) -> np.ndarray:
        return tensor[..., : shape[1], : shape[2]].permute(0, 2, 3, 1).numpy()

    with torch.no_grad():
        padded = pad_to_rule(torch.from_numpy(crops).permute(0, 3, 1, 2), describe_model("snadnet-small").size)
        expected = round_to_fp16(network)(padded)
    np.testing.assert_allclose(restored, cropped(expected.restored.clamp(0, 1)), atol=1e-4)
    np.testing.assert_allclose(parsing, cropped(expected.parsing), atol=1e-4)
    np.testing.assert_allclose(kernel, expected.full_size_kernel.numpy(), atol=1e-4)
    assert np.abs(restored - crops).max() > 0.01  # the network did something


def test_the_file_is_small_and_knows_its_model_and_sizes(network: SNADNet, graph: Path) -> None:
    weights = sum(tensor.numel() for tensor in network.state_dict().values())
    assert graph.stat().st_size < 2 * weights + 2_000_000
    runtime = OnnxBackend(graph, "cpu")
    assert runtime.size == SizeRule.multiple_of(network.size_multiple) == SizeRule.multiple_of(32)
    assert runtime.model == "snadnet-small"
    assert not any(node.metadata_props for node in onnx.load(graph).graph.node)  # the exporter's stack traces


def test_operations_are_those_that_runtimes_have_kernels_for(graph: Path) -> None:
    operations = [node.op_type for node in onnx.load(graph).graph.node]
    assert {"Gelu", "GlobalAveragePool"} <= set(operations)
    assert "Erf" not in operations


def test_rounding_gives_what_a_file_in_half_precision_holds(network: SNADNet, tmp_path: Path) -> None:
    save_network(tmp_path / "half.safetensors", network, "snadnet-small", fp16=True)
    _, state = read_weights(tmp_path / "half.safetensors")
    rounded = round_to_fp16(network)
    for key, tensor in rounded.state_dict().items():
        torch.testing.assert_close(state[key], tensor, rtol=0, atol=0)
    torch.testing.assert_close(rounded.parser.mean, network.parser.mean, rtol=0, atol=0)


def test_rounding_leaves_the_network_itself_alone(network: SNADNet) -> None:
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    rounded = round_to_fp16(network).state_dict()
    for key, tensor in network.state_dict().items():
        assert tensor.equal(before[key])
        torch.testing.assert_close(rounded[key], tensor, rtol=1e-3, atol=1e-6)


def test_a_parser_cannot_be_exported(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="BiSeNet"):
        export_onnx(create_model("bisenet-small"), tmp_path / "parser.onnx")
    assert not list(tmp_path.iterdir())


def test_a_baseline_is_exported_with_its_range_and_sizes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Restorer(shaken(Generator(GeneratorConfig(width=8, blocks=1))), describe_model("deblurgan-tiny")).eval()
    large = next(parameter for parameter in model.parameters() if parameter.numel() > 300)
    with torch.no_grad():
        large.flatten()[0] = 1e6  # more than half precision holds
    assert_export_agrees(model, tmp_path / "network.onnx", [(1, 64, 64), (2, 75, 33)])
    assert all(tensor.isfinite().all() for tensor in round_to_fp16(model).state_dict().values())


def test_a_network_that_draws_at_random_cannot_be_exported(tmp_path: Path) -> None:
    model = create_model("deblurgan-released-dropout")
    with pytest.raises(ModelError, match="draws at random"):
        export_onnx(model, tmp_path / "network.onnx")
    assert not list(tmp_path.iterdir())


def test_weights_that_are_not_finite_are_refused_by_name(tmp_path: Path) -> None:
    model = create_model("deblurgan-tiny")
    name, parameter = next(iter(model.core.named_parameters()))
    with torch.no_grad():
        parameter.flatten()[0] = float("nan")
    with pytest.raises(WeightsError, match=rf"deblurgan-tiny: {name} has values that are not finite"):
        export_onnx(model, tmp_path / "network.onnx")
    assert not list(tmp_path.iterdir())


def test_each_step_is_told_before_it_is_taken(tmp_path: Path) -> None:
    path, steps = tmp_path / "network.onnx", []
    model = Restorer(Generator(GeneratorConfig(width=8, blocks=1)), describe_model("deblurgan-tiny"))
    export_onnx(model, path, log_step=lambda step: steps.append((step, path.exists())))
    assert [step.partition(": ")[2] for step, _ in steps] == [
        "running it once",
        "tracing its operations",
        "checking and writing the graph",
    ]
    assert not any(there for _, there in steps)
