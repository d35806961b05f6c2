"""The full-size pass: the kernel, the data steps, and the network that is trained on top of a finished one."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from snadnet.blur import apply_kernel, trajectory_kernel
from snadnet.errors import ModelError
from snadnet.models import create_network
from snadnet.models.snadnet import FullSizeSNADNet, SNADNet, draft_of
from snadnet.models.wiener import KERNEL_SIDE, enlarge_kernel, fourier, halve_kernel, regress_kernel
from snadnet.models.wiener.data_step import DataStep, Observation, Step
from snadnet.models.wiener.fourier import Fourier
from snadnet.models.wiener.full_size import FULL_KERNEL_SIDE, FullSizeRefiner, regression_maps
from snadnet.models.wiener.unrolled import QUICK, THOROUGH, UnrolledDeconvolution, Work
from support.deblurring_model_checks import DeblurringModelChecks


class TestFullSizeSNADNet(DeblurringModelChecks):
    name = "snadnet-small-full"


class TestOneMorePass(DeblurringModelChecks):
    name = "snadnet-small-twice"


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def a_kernel(size: int = 17) -> Tensor:
    """A camera's path, ``(1, 49, 49)``."""
    kernel = trajectory_kernel(size, seed=4)
    return torch.from_numpy(np.pad(kernel, (FULL_KERNEL_SIDE - size) // 2))[None].float()


def a_pair(portrait: np.ndarray, side: int = 128) -> tuple[Tensor, Tensor]:
    """A real face blurred by `a_kernel`, and sharp: each ``(1, 3, side, side)``."""
    sharp = portrait[: 2 * side : 2, : 2 * side : 2].astype(np.float32) / 255.0
    blurred = apply_kernel(sharp, a_kernel()[0].numpy())
    first, second = (
        torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None] for image in (blurred, sharp)
    )
    return first, second


def soft(image: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(image, (1,) * 4, mode="reflect"), 3, stride=1)


@pytest.fixture
def network() -> FullSizeSNADNet:
    torch.manual_seed(3)
    network = create_network("snadnet-small-full")
    assert isinstance(network, FullSizeSNADNet)
    return network.eval()


def test_enlarging_keeps_a_kernels_place_and_sum() -> None:
    half = torch.zeros(2, KERNEL_SIDE, KERNEL_SIDE)
    half[0, 12, 12] = 1.0
    half[1, 10, 15] = 1.0
    enlarged = enlarge_kernel(half)
    assert enlarged.shape == (2, FULL_KERNEL_SIDE, FULL_KERNEL_SIDE)
    torch.testing.assert_close(enlarged.sum(dim=(1, 2)), torch.ones(2))
    torch.testing.assert_close(enlarged[0], enlarged[0].flip(0, 1))
    assert enlarged[1].argmax() == 20 * FULL_KERNEL_SIDE + 30
    assert halve_kernel(enlarged)[1].argmax() == 10 * KERNEL_SIDE + 15


def test_regressions_take_the_size_of_the_kernels_that_they_are_compared_with(portrait: np.ndarray) -> None:
    blurred, sharp = a_pair(portrait)
    found = regress_kernel(sharp, blurred, a_kernel())
    assert found.found.shape == (1, 5, FULL_KERNEL_SIDE, FULL_KERNEL_SIDE)
    distance = (found.found - found.of_guess).abs().sum() / found.of_guess.abs().sum()
    assert distance < 0.3, "of a sharp face, what is found is what would be found of the true kernel"


def test_an_untrained_refiner_gives_its_guess_back(portrait: np.ndarray) -> None:
    blurred, sharp = a_pair(portrait)
    guess = enlarge_kernel(halve_kernel(a_kernel()))
    refined = FullSizeRefiner()(guess, regression_maps(guess, soft(sharp), blurred)).exp()
    torch.testing.assert_close(refined.sum(), torch.tensor(1.0))
    # Pixels of nothing are given next to nothing, or none could be found there.
    assert (refined - guess).abs().sum() < 0.1


def stepped(draft: Tensor, blurred: Tensor, weight: float) -> tuple[Observation, Step]:
    observed = Observation(blurred, a_kernel())
    return observed, DataStep(weight=weight, level=0.05)(observed.extend(draft), observed)


def test_a_face_that_explains_what_was_given_is_left_alone(portrait: np.ndarray) -> None:
    blurred, sharp = a_pair(portrait)
    observed, step = stepped(sharp, blurred, 0.01)
    # All but the borders: beyond them, a face is mirrored in other ways.
    assert (observed.crop(step.images) - sharp)[..., 40:-40, 40:-40].abs().mean() < 0.002
    torch.testing.assert_close(step.level, torch.tensor([0.05]))


def test_a_step_comes_closer_to_the_sharp_face(portrait: np.ndarray) -> None:
    blurred, sharp = a_pair(portrait)
    draft = soft(sharp)
    errors = [(draft - sharp).square().mean()]
    for weight in (0.1, 0.01):
        observed, step = stepped(draft, blurred, weight)
        errors.append((observed.crop(step.images) - sharp).square().mean())
    assert errors[2] < errors[1] < errors[0]


def test_a_step_is_the_closed_form_where_all_is_observed() -> None:
    """With a flat border nothing is cut off, and the minimum is known."""
    generated = torch.rand(1, 3, 32, 32, generator=generator())
    images = F.pad(generated, (32,) * 4)
    observed = Observation(images, a_kernel())
    start = torch.zeros(1, 3, 96 + 48, 96 + 48)
    observed.inside = torch.ones_like(observed.inside)
    step = DataStep(weight=0.3, level=0.05)(start, observed)
    kernel = F.pad(a_kernel(), (0, 95, 0, 95)).roll((-24, -24), dims=(1, 2))
    transfer = torch.fft.rfft2(kernel)
    expected = torch.fft.irfft2(
        transfer.conj() * torch.fft.rfft2(F.pad(images, (24,) * 4)) / (transfer.abs() ** 2 + 0.3)
    )
    torch.testing.assert_close(step.images, expected, atol=1e-4, rtol=1e-3)


def test_what_is_left_to_explain_ends_at_the_edges(portrait: np.ndarray) -> None:
    blurred, sharp = a_pair(portrait)
    observed, step = stepped(soft(sharp), blurred, 0.01)
    assert observed.crop(step.unexplained).abs().max() > 0.01
    outside = step.unexplained.clone()
    observed.crop(outside).zero_()
    assert outside.abs().max() == 0


def test_the_weights_of_a_step_follow_the_noise(portrait: np.ndarray) -> None:
    blurred, sharp = a_pair(portrait)
    step = DataStep(weight=0.01, level=0.05)
    torch.nn.init.normal_(step.change.weight, generator=generator())
    noisy = blurred + 0.1 * torch.randn(blurred.shape, generator=generator())
    both = Observation(torch.cat((blurred, noisy)), a_kernel().expand(2, -1, -1))
    result = step(both.extend(soft(sharp).expand(2, -1, -1, -1)), both)
    assert result.level[0] != result.level[1]
    (result.images.square().mean() + result.level.sum()).backward()
    assert step.hidden.weight.grad is not None
    assert step.hidden.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(("work", "left"), [(THOROUGH, 0.5), (QUICK, 0.7)])
def test_rounds_of_the_data_step_alone_deblur_without_noise(work: Work, left: float, portrait: np.ndarray) -> None:
    """An untrained denoiser changes nothing, and the true kernel is known."""
    blurred, sharp = a_pair(portrait)
    with torch.no_grad():
        results = UnrolledDeconvolution(work)(blurred, a_kernel(), blurred)
    errors = [float((faces - sharp).square().mean()) for faces in (blurred, *results)]
    assert len(results) == work.rounds
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < left * errors[0]


def spread(deconvolution: UnrolledDeconvolution) -> UnrolledDeconvolution:
    """With weights everywhere, of which an untrained one has many that are nothing."""
    with torch.no_grad():
        for weight in deconvolution.parameters():
            weight.add_(0.05 * torch.randn(weight.shape, generator=generator()))
    return deconvolution


def test_the_last_denoiser_sees_so_far_beyond_the_edges(portrait: np.ndarray) -> None:
    blurred, _ = a_pair(portrait)
    seen: list[int] = []
    for work in (THOROUGH, THOROUGH._replace(border=16)):
        deconvolution = UnrolledDeconvolution(work)
        deconvolution.denoiser.network.register_forward_hook(lambda _net, given, _made: seen.append(given[0].shape[-1]))
        with torch.no_grad():
            results = deconvolution(blurred, a_kernel(), blurred)
        assert all(faces.shape == blurred.shape for faces in results)
    assert seen == [128 + 48, 128 + 48, 128 + 48, 128 + 32]


def test_a_quicker_deconvolution_begins_as_one_that_works_more(portrait: np.ndarray) -> None:
    blurred, _ = a_pair(portrait)
    thorough = spread(UnrolledDeconvolution())
    fewer_rounds = UnrolledDeconvolution(THOROUGH._replace(rounds=1))
    fewer_rounds.begin_as(thorough)
    with torch.no_grad():
        expected = thorough(blurred, a_kernel(), blurred)[0]
        torch.testing.assert_close(fewer_rounds(blurred, a_kernel(), blurred)[0], expected)


def test_a_pass_over_a_pass_does_one_quick_round() -> None:
    network = create_network("snadnet-small-large")
    assert isinstance(network, FullSizeSNADNet)
    assert [step.repetitions for step in network.deconvolution.steps] == [1]
    assert [step.repetitions for step in network.first.deconvolution.steps] == [1, 1]
    network.deconvolution.begin_as(network.first.deconvolution)
    again = create_network("snadnet-small-twice")
    assert isinstance(again, FullSizeSNADNet)
    for deconvolution in (again.deconvolution, again.first.deconvolution):
        assert [step.repetitions for step in deconvolution.steps] == [2, 2]


def test_a_denoiser_sees_what_was_left_to_explain_or_does_not() -> None:
    images, unexplained = (torch.rand(1, 3, 32, 32, generator=generator()) for _ in range(2))
    for work in (THOROUGH, QUICK):
        denoiser = spread(UnrolledDeconvolution(work)).denoiser
        with torch.no_grad():
            one, other = (denoiser(images, torch.tensor([0.1]), images, part) for part in (unexplained, 0 * images))
        assert one.equal(other) != work.shows_unexplained


def test_a_kernel_that_is_larger_than_the_picture_is_wrapped_around() -> None:
    kernel = torch.rand(1, 49, 49, generator=generator())
    spectrum = Fourier(32, 64, kernel.device).transform_centred(kernel)
    whole = F.pad(kernel, (0, 15, 0, 15)).view(1, 2, 32, 64).sum(dim=1).roll((-24, -24), dims=(1, 2))
    expected = torch.fft.rfft2(whole)
    torch.testing.assert_close(spectrum.real, expected.real, atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(spectrum.imaginary, expected.imag, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize(("height", "width"), [(64, 96), (33, 40), (24, 42), (32, 33), (16, 36)])
def test_a_graphs_transform_is_the_fast_one(height: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.randn(2, 3, height, width, generator=generator())
    small = torch.randn(2, 1, 9, 9, generator=generator())

    def all_of_it() -> tuple[Tensor, ...]:
        transform = Fourier(height, width, images.device)
        spectrum = transform.transform(images)
        placed = transform.transform_centred(small)
        both = spectrum.times(placed)
        # In a graph the columns have an order of their own.
        order = fourier.column_frequencies(width, images.device).argsort()
        spectra = (part[..., order] for part in (*spectrum, *placed))
        around = transform.inverse_around(both, 5), transform.inverse_around(spectrum.power(), 5)
        return (*spectra, transform.inverse(both), *around)

    fast = all_of_it()
    monkeypatch.setattr(fourier, "_fast", lambda _device: False)
    for one, other in zip(fast, all_of_it(), strict=True):
        torch.testing.assert_close(one, other, atol=2e-3, rtol=1e-4)


def test_the_pass_begins_with_the_finished_networks_result(network: FullSizeSNADNet) -> None:
    torch.nn.init.normal_(network.first.generator.head.weight, std=0.05, generator=generator())
    blurred = torch.rand(2, 3, 64, 64, generator=generator())
    with torch.no_grad():
        draft = network.draft(blurred)
        output = network(blurred)
        by_hand = network.deconvolution(
            blurred, output.full_size_kernel, draft.restored, turn_estimator=network.turn_estimator
        )
    torch.testing.assert_close(draft.restored, network.first(blurred).restored.clamp(0.0, 1.0))
    torch.testing.assert_close(output.restored, by_hand[-1])
    assert output.full_size_kernel.shape == (2, FULL_KERNEL_SIDE, FULL_KERNEL_SIDE)
    assert output.parsing is not None


def test_a_pass_over_another_begins_with_its_result_at_half_the_size(portrait: np.ndarray) -> None:
    torch.manual_seed(3)
    network = create_network("snadnet-small-large")
    assert isinstance(network, FullSizeSNADNet)
    assert isinstance(network.first, FullSizeSNADNet)
    network.eval()
    blurred = a_pair(portrait)[0]
    reduced = F.avg_pool2d(blurred, 2)
    with torch.no_grad():
        first, draft = network.first(reduced), network.draft(blurred)
    assert draft.kernel.shape == (1, 2 * FULL_KERNEL_SIDE - 1, 2 * FULL_KERNEL_SIDE - 1)
    torch.testing.assert_close(draft.kernel, enlarge_kernel(first.full_size_kernel))
    # What the pass below changed is what the draft changed, seen at its size; the rest of the face stays.
    changed = F.avg_pool2d(draft.restored - blurred, 2)
    torch.testing.assert_close(changed, first.restored.clamp(0.0, 1.0) - reduced, atol=0.05, rtol=0.0)
    assert draft.parsing is not None
    assert draft.parsing.shape == (1, 19, *reduced.shape[-2:])
    torch.testing.assert_close(draft.parsing.sum(dim=1), torch.ones_like(draft.parsing[:, 0]))


def test_a_pass_once_more_at_the_same_size_begins_with_the_passs_own_result(portrait: np.ndarray) -> None:
    torch.manual_seed(3)
    network = create_network("snadnet-small-twice")
    assert isinstance(network, FullSizeSNADNet)
    assert isinstance(network.first, FullSizeSNADNet)
    network.eval()
    torch.nn.init.normal_(network.first.refiner.network.tail.weight, std=0.05, generator=generator())
    blurred = a_pair(portrait)[0]
    with torch.no_grad():
        first, draft, output = network.first(blurred), network.draft(blurred), network(blurred)
    torch.testing.assert_close(draft.kernel, first.full_size_kernel)
    torch.testing.assert_close(draft.restored, first.restored.clamp(0.0, 1.0))
    # Its refiner has learned nothing yet, and changes nothing.
    torch.testing.assert_close(output.full_size_kernel, first.full_size_kernel, atol=1e-4, rtol=0.0)
    assert network.kernel_side == FULL_KERNEL_SIDE
    assert network.size_multiple == network.first.size_multiple


def test_a_given_kernel_takes_the_place_of_the_refined_one(network: FullSizeSNADNet) -> None:
    blurred = torch.rand(1, 3, 64, 64, generator=generator())
    log_kernel = a_kernel().clamp_min(1e-9).log()
    with torch.no_grad():
        output = network(blurred, log_kernel=log_kernel)
        assert not output.restored.equal(network(blurred).restored)
    torch.testing.assert_close(output.log_kernel, log_kernel)


def test_the_face_teaches_the_kernel_and_never_the_finished_network(network: FullSizeSNADNet) -> None:
    network.train()
    assert not network.first.generator.training
    blurred = torch.rand(1, 3, 64, 64, generator=generator())
    torch.nn.init.normal_(network.refiner.network.tail.weight, std=0.05, generator=generator())
    draft = draft_of(blurred, blurred, a_kernel())
    network(blurred, draft).restored.square().mean().backward()
    assert network.refiner.network.head.weight.grad is not None
    assert network.refiner.network.head.weight.grad.abs().sum() > 0
    assert all(weight.grad is None for weight in network.first.parameters())


def test_what_is_trained_together_learns_but_for_the_conditioning_networks(network: FullSizeSNADNet) -> None:
    network.free_first()
    network.train()
    first = network.first
    assert isinstance(first, SNADNet)
    assert first.generator.training
    assert not first.parser.training
    assert not network.eval().first.generator.training
    learning = {name.split(".")[1] for name, weight in network.named_parameters() if weight.requires_grad}
    of_the_turn = {"network", "hidden", "belief"}
    assert learning == {"generator", "refiner", "denoiser", "steps"} | of_the_turn


@pytest.mark.parametrize("name", ["snadnet-small-twice", "snadnet-small-large"])
def test_a_pass_over_a_pass_is_not_trained_together_with_it(name: str) -> None:
    network = create_network(name)
    assert isinstance(network, FullSizeSNADNet)
    with pytest.raises(ModelError, match="only a SNADNet with a refinement pass"):
        network.free_first()
