"""Tests that every deblurring network must pass, as a class of tests to inherit from.

A network's own test is then::

    class TestUMSN(DeblurringModelChecks):
        name = "umsn-tiny"

plus the parameter counts and costs of its paper, see `assert_costs`.
"""

from pathlib import Path
from typing import ClassVar

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from snadnet.export import export_onnx, round_to_fp16
from snadnet.inference import OnnxBackend
from snadnet.models import Restorer, create_model, create_network, describe_model, read_model, save_network
from snadnet.models.complexity import measure_complexity


def assert_costs(name: str, *, parameters: int, gigamacs: float) -> None:
    """Compare with the published count of parameters, exactly, and the cost at 256 px, to the digits given."""
    figures = measure_complexity(describe_model(name))
    assert figures.parameters == parameters
    digits = len(str(gigamacs).partition(".")[2])
    assert round(figures.macs / 1e9, digits) == gigamacs


def shaken(network: nn.Module) -> nn.Module:
    """Wake branches that start at zero, so that what they do can be seen."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    return network


class DeblurringModelChecks:
    """Inherit, and set ``name`` to a network of reduced width.

    Attributes:
        name: The name in the registry.
        side: Side of the images that most checks use, in pixels; at least the network's smallest side.
        unused: Parameters, by prefix, that the restored image does not depend on by design.
    """

    name: ClassVar[str]
    side: ClassVar[int] = 64
    unused: ClassVar[tuple[str, ...]] = ()

    @pytest.fixture
    def model(self) -> Restorer:
        torch.manual_seed(0)
        model = create_model(self.name)
        shaken(model)
        return model.eval()

    def images(self, count: int, height: int, width: int) -> Tensor:
        return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(height + width))

    @pytest.mark.parametrize("size", [(32, 32), (33, 75)])
    def test_any_size_gives_the_same_size_in_range(self, model: Restorer, size: tuple[int, int]) -> None:
        blurred = self.images(2, *size)
        with torch.no_grad():
            restored = model(blurred)
        assert restored.shape == blurred.shape
        assert restored.dtype == torch.float32
        assert 0.0 <= restored.min() <= restored.max() <= 1.0
        assert not restored.equal(blurred)

    def test_is_deterministic_and_knows_no_other_image_of_the_batch(self, model: Restorer) -> None:
        blurred = self.images(2, self.side, self.side)
        with torch.no_grad():
            both, again = model(blurred), model(blurred)
            alone = model(blurred[1:])
        assert both.equal(again)
        torch.testing.assert_close(both[1:], alone, rtol=0, atol=2e-4)

    def test_all_used_parameters_get_a_gradient(self) -> None:
        torch.manual_seed(0)
        model = create_model(self.name).train()
        shaken(model)
        # Two images: batch statistics of one could be those of a single pixel.
        model(self.images(2, self.side, self.side)).square().mean().backward()
        learning = {name: value for name, value in model.core.named_parameters() if value.requires_grad}
        missing = {name for name, value in learning.items() if value.grad is None}
        assert {name for name in missing if not name.startswith(self.unused)} == set()
        assert {name for name in learning if name.startswith(self.unused)} == missing
        assert all(value.grad.isfinite().all() for value in learning.values() if value.grad is not None)
        assert any(value.grad.abs().max() > 0 for value in learning.values() if value.grad is not None)

    def test_half_precision_stays_near(self, model: Restorer) -> None:
        blurred = self.images(1, self.side, self.side)
        with torch.no_grad():
            exact = model(blurred)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                rough = model(blurred)
        assert rough.isfinite().all()
        assert (rough.float() - exact).abs().mean() < 0.02

    def test_weights_survive_the_file(self, model: Restorer, tmp_path: Path) -> None:
        path = tmp_path / "weights.safetensors"
        save_network(path, model.core, self.name)
        loaded = read_model(path)
        blurred = self.images(1, self.side, self.side)
        with torch.no_grad():
            assert loaded(blurred).equal(model(blurred))

    def test_building_it_again_from_one_seed_gives_the_same(self) -> None:
        states = []
        for _ in range(2):
            torch.manual_seed(3)
            states.append(create_network(self.name).state_dict())
        assert all(first.equal(second) for first, second in zip(*(state.values() for state in states), strict=True))

    @pytest.mark.slow  # the exporter's time goes by the number of layers, which no width reduces
    def test_the_exported_graph_computes_the_same_at_any_size(self, model: Restorer, tmp_path: Path) -> None:
        assert_export_agrees(model, tmp_path / "network.onnx", [(1, self.side, self.side), (2, 75, 33), (1, 40, 160)])


def assert_export_agrees(model: Restorer, path: Path, shapes: list[tuple[int, int, int]]) -> None:
    """Export a model, and compare what the runtime makes of images ``(B, H, W)`` with PyTorch."""
    export_onnx(model, path)
    runtime = OnnxBackend(path, "cpu")
    assert (runtime.model, runtime.size) == (model.descriptor.name, model.descriptor.size)
    rounded = round_to_fp16(model)
    for count, height, width in shapes:
        blurred = torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(height + width))
        restored, parsing, kernel, _ = runtime(blurred.permute(0, 2, 3, 1).numpy())
        with torch.no_grad():
            expected = rounded.restore(blurred)
        np.testing.assert_allclose(restored, expected.restored.permute(0, 2, 3, 1).numpy(), atol=1e-4)
        assert (parsing is None) == (expected.parsing is None)
        assert (kernel is None) == (expected.kernel is None)
        if expected.kernel is not None:
            np.testing.assert_allclose(kernel, expected.kernel.numpy(), atol=1e-4)
        # What the network did is more than what the comparison lets pass.
        assert np.abs(restored - blurred.permute(0, 2, 3, 1).numpy()).max() > 1e-2
    # The graph itself, as CUDA runs it: several crops at once, and nothing left to clamp.
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    height, width = model.descriptor.size.padded(40, 72)
    batch = torch.rand(3, 3, height, width, generator=torch.Generator().manual_seed(0))
    (together,) = session.run(["restored"], {"blurred": batch.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(together, rounded(batch).numpy(), atol=1e-4)
    assert 0.0 <= together.min() <= together.max() <= 1.0
