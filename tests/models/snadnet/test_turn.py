"""How a camera turned: what the maps show, the quarters' kernels, and what the full-size pass makes of both."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from snadnet.blur import CameraMotion, blur_by_motion, camera_motions
from snadnet.blur.rotation import Poses
from snadnet.models import create_network, read_model, save_network
from snadnet.models.snadnet import FullSizeSNADNet
from snadnet.models.wiener import turn as module
from snadnet.models.wiener.data_step import Observation, brightness
from snadnet.models.wiener.full_size import FULL_KERNEL_SIDE
from snadnet.models.wiener.quarters import QUARTERS, Quarters
from snadnet.models.wiener.turn import (
    TURN_MAPS,
    TurnEstimator,
    mirrored_maps,
    turn_maps,
    turned_kernels,
)
from snadnet.models.wiener.unrolled import UnrolledDeconvolution

SIDE = 128
PLACES = [(right, down) for down in (-SIDE / 4, SIDE / 4) for right in (-SIDE / 4, SIDE / 4)]


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def smooth_motion() -> CameraMotion:
    """One that moves along an arc while it turns steadily."""
    time = np.linspace(-1.0, 1.0, 2000)
    return CameraMotion(np.stack([time, 0.4 * time**2]), time)


def in_the_middle(kernel: np.ndarray) -> Tensor:
    return torch.from_numpy(np.pad(kernel, (FULL_KERNEL_SIDE - len(kernel)) // 2)).float()


def true_turn(poses: Poses) -> Tensor:
    """The mean turn at each place of the middle's kernel, ``(49, 49)``, and nearby; in pixels at a quarter's middle."""
    weighted, weights = (np.zeros((FULL_KERNEL_SIDE, FULL_KERNEL_SIDE), np.float32) for _ in range(2))
    columns, rows = np.rint(poses.shifts + FULL_KERNEL_SIDE // 2).astype(int)
    np.add.at(weighted, (rows, columns), poses.weights * np.radians(poses.degrees) * SIDE / 4)
    np.add.at(weights, (rows, columns), poses.weights)
    near, share = (cv2.GaussianBlur(each, (0, 0), 1.5) for each in (weighted, weights))
    return torch.from_numpy(near / (share + 1e-9)).float()


def a_turned_face(portrait: np.ndarray, degrees: float = 3.0) -> tuple[Tensor, Tensor, Poses]:
    """A real face blurred by a camera that turns, and sharp, each ``(1, 3, 128, 128)``; and where the camera was."""
    sharp = portrait[: 2 * SIDE : 2, : 2 * SIDE : 2].astype(np.float32) / 255.0
    motion = smooth_motion()
    blurred = blur_by_motion(sharp, motion, 15, max_rotation_degrees=degrees)
    first, second = (torch.from_numpy(image.transpose(2, 0, 1).copy())[None] for image in (blurred, sharp))
    return first, second, motion.poses(15, 1.0, degrees)


def maps_of(blurred: Tensor, restored: Tensor, kernel: Tensor) -> Tensor:
    observed = Observation(blurred, kernel)
    canvas = brightness(observed.extend(restored))
    return turn_maps(kernel, observed.crop(canvas), observed.unexplained_brightness(canvas))


def test_the_kernels_of_the_quarters_are_those_of_the_cameras_poses() -> None:
    poses = smooth_motion().poses(15, 1.0, 3.0)
    kernel = in_the_middle(poses.kernel_at(0.0, 0.0))[None]
    expected = torch.stack([in_the_middle(poses.kernel_at(*place)) for place in PLACES])
    turned = turned_kernels(kernel, true_turn(poses)[None])[0]
    torch.testing.assert_close(turned.sum(dim=(1, 2)), torch.ones(QUARTERS))

    def soft_distance(kernels: Tensor) -> Tensor:
        kept = F.avg_pool2d(F.avg_pool2d((kernels - expected)[None], 3, 1, 1), 3, 1, 1)
        return kept.abs().sum(dim=(0, 2, 3))

    assert (soft_distance(turned) < 0.4 * soft_distance(kernel.expand_as(expected))).all()


def test_no_turn_leaves_the_kernel_as_it_is() -> None:
    kernel = in_the_middle(smooth_motion().poses(15, 1.0, 3.0).kernel_at(0.0, 0.0))[None]
    turned = turned_kernels(kernel, torch.zeros_like(kernel))
    torch.testing.assert_close(turned, kernel[:, None].expand_as(turned), atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("degrees", [2.0, -2.0])
def test_the_maps_show_which_way_a_camera_turned(portrait: np.ndarray, degrees: float) -> None:
    blurred, sharp, _ = a_turned_face(portrait, 2.0)
    motion = smooth_motion()
    if degrees < 0:
        motion = motion._replace(turn=-motion.turn)
        image = sharp[0].permute(1, 2, 0).numpy()
        blurred = torch.from_numpy(
            blur_by_motion(image, motion, 15, max_rotation_degrees=2.0).transpose(2, 0, 1).copy()
        )[None]
    poses = motion.poses(15, 1.0, 2.0)
    kernel = in_the_middle(poses.kernel_at(0.0, 0.0))[None]
    maps = maps_of(blurred, sharp, kernel)
    assert maps.shape == (1, TURN_MAPS, FULL_KERNEL_SIDE, FULL_KERNEL_SIDE)
    moved = kernel * true_turn(poses)
    of_bumps = maps[0, 4] * kernel.sqrt()
    likeness = (of_bumps * moved).sum() / (of_bumps.norm() * moved.norm())
    assert likeness > 0.9
    # The regression itself, of whose square roots the map is.
    regressed = maps[0, 2].sign() * maps[0, 2].square()
    assert (regressed * moved).sum() > 0


def test_a_bright_face_that_nothing_blurred_shows_no_turn() -> None:
    blank = torch.full((1, 3, 96, 96), 0.5)
    point = F.pad(torch.ones(1, 1, 1), (24,) * 4)
    maps = maps_of(blank, blank, point)
    assert maps.isfinite().all()
    assert maps[:, :10].abs().max() < 1e-3


@pytest.mark.parametrize("symmetry", range(8))
def test_the_maps_of_a_mirrored_face_are_mirrored(portrait: np.ndarray, symmetry: int) -> None:
    blurred, sharp, poses = a_turned_face(portrait)
    kernel = in_the_middle(poses.kernel_at(0.0, 0.0))[None]

    def move(tensor: Tensor) -> Tensor:
        turned = tensor.rot90(symmetry // 2, dims=(-2, -1))
        return turned.flip(-1) if symmetry % 2 else turned

    expected = maps_of(move(blurred), move(sharp), move(kernel))
    torch.testing.assert_close(mirrored_maps(maps_of(blurred, sharp, kernel), symmetry), expected, atol=0.01, rtol=0.01)


def test_bumps_are_fitted_by_least_squares() -> None:
    """Against the normal equations written out, each bump's answer by a plain convolution."""
    side, whitenings = 9, 2
    kernel = torch.rand(1, 1, side, side, generator=generator())
    kernel = kernel / kernel.sum()
    gradient = torch.randn(1, whitenings, side, side, generator=generator())
    wide = torch.randn(whitenings, 2 * side - 1, 2 * side - 1, generator=generator())
    # Like a correlation: the same both ways, and largest at no distance.
    correlated = (wide + wide.flip(-2, -1)) / 2
    correlated[:, side - 1, side - 1] += 50.0
    turn, worth = module._by_bumps(kernel, gradient, correlated[None])
    along = module._bumps_along(side, kernel.device)
    bumps = torch.einsum("ah,bw->abhw", along, along).view(1, -1, side, side)
    bumps = bumps - (kernel * bumps).sum(dim=(2, 3), keepdim=True)
    parts = kernel * bumps
    for place in range(whitenings):
        answered = F.conv2d(parts[0].unsqueeze(1), correlated[place, None, None], padding=side - 1)[:, 0]
        normal = parts[0].flatten(1) @ answered.flatten(1).T
        towards = parts[0].flatten(1) @ gradient[0, place].flatten()
        for number, ridge in enumerate(module._BUMP_RIDGES):
            scale = ridge * normal.diagonal().mean()
            shares = torch.linalg.solve(normal + scale * torch.eye(len(normal)), towards)
            found = 2 * place + number
            torch.testing.assert_close(
                turn[0, found], (shares @ bumps[0].flatten(1)).view(side, side), atol=0.02, rtol=0.02
            )
            torch.testing.assert_close(worth[0, found], shares @ towards, atol=1e-3, rtol=0.02)


def test_what_is_believed_is_a_share_of_the_turn() -> None:
    estimator = TurnEstimator()
    torch.nn.init.normal_(estimator.network.tail.weight, std=0.1, generator=generator())
    kernel = torch.rand(2, 49, 49, generator=generator())
    kernel = kernel / kernel.sum(dim=(1, 2), keepdim=True)
    maps = torch.randn(2, TURN_MAPS, 49, 49, generator=generator())
    with torch.no_grad():
        turn = estimator(kernel, maps)
        estimator.belief.bias.fill_(-20.0)
        torch.testing.assert_close(estimator(kernel, maps), torch.zeros_like(turn), atol=1e-6, rtol=0)
        estimator.belief.bias.fill_(20.0)
        torch.testing.assert_close(estimator(kernel, maps), 2.0 * turn)
    torch.testing.assert_close((kernel * turn).sum(dim=(1, 2)), torch.zeros(2), atol=1e-5, rtol=0)


def test_ridge_regressions_are_solved() -> None:
    wide = torch.randn(3, 25, 60, generator=generator())
    normal, towards = wide @ wide.mT, torch.randn(3, 25, 1, generator=generator())
    scale = normal.diagonal(dim1=1, dim2=2).mean(dim=1)[:, None, None]
    found = module._solved(normal, towards)
    for place, ridge in enumerate(module._BUMP_RIDGES):
        expected = torch.linalg.solve(normal + ridge * scale * torch.eye(25), towards)
        torch.testing.assert_close(found[..., place : place + 1], expected, atol=1e-3, rtol=1e-2)


def test_an_estimator_finds_no_turn_untrained_and_never_one_of_the_whole_face() -> None:
    kernel = in_the_middle(smooth_motion().poses(15, 1.0, 3.0).kernel_at(0.0, 0.0))[None]
    maps = torch.randn(1, TURN_MAPS, FULL_KERNEL_SIDE, FULL_KERNEL_SIDE, generator=generator())
    estimator = TurnEstimator()
    with torch.no_grad():
        assert estimator(kernel, maps).abs().max() == 0
        torch.nn.init.normal_(estimator.network.tail.weight, generator=generator())
        turn = estimator(kernel, maps)
    assert turn.abs().max() > 0.1
    assert (kernel * turn).sum().abs() < 1e-5


@given(rows=st.integers(16, 60), columns=st.integers(16, 60), margin=st.integers(0, 9))
def test_views_are_joined_to_what_they_were_cut_from(rows: int, columns: int, margin: int) -> None:
    quarters = Quarters(12)
    images = torch.randn(2, 1, 2 * rows + 2 * margin, 2 * columns + 2 * margin, generator=generator())
    views = quarters.views(images, margin=margin)
    assert views.shape == (8, 1, *(side + quarters.overlap + 2 * margin for side in (rows, columns)))
    torch.testing.assert_close(quarters.joined(views, margin=margin), images)


def test_each_view_has_its_own_quarter() -> None:
    images = torch.zeros(1, 1, 64, 64)
    images[..., 60, 2] = 1.0
    views = Quarters(12).views(images)
    assert views.flatten(1).max(dim=1).values.tolist() == [0.0, 0.0, 1.0, 0.0]


def test_a_face_that_a_turning_camera_blurred_is_better_deconvolved_by_its_turn(portrait: np.ndarray) -> None:
    blurred, sharp, poses = a_turned_face(portrait)
    kernel = in_the_middle(poses.kernel_at(0.0, 0.0))[None]
    deconvolution = UnrolledDeconvolution()
    with torch.no_grad():
        images, _ = deconvolution.before_last(blurred, kernel, blurred)
        true, none = (
            deconvolution.last_round(blurred, kernel, images, turn)
            for turn in (true_turn(poses)[None], torch.zeros_like(kernel))
        )
        one_kernel = deconvolution(blurred, kernel, blurred)[-1]
        untrained = deconvolution(blurred, kernel, blurred, turn_estimator=TurnEstimator())[-1]
    errors = [float((restored - sharp).square().mean()) for restored in (true, none, one_kernel)]
    assert errors[0] < 0.8 * errors[2]
    assert errors[1] == pytest.approx(errors[2], rel=0.05)
    torch.testing.assert_close(untrained, none)


def test_weights_without_an_estimator_restore_with_one_kernel(tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = create_network("snadnet-small-full")
    assert isinstance(network, FullSizeSNADNet)
    assert network.turn_estimator is not None
    network.turn_estimator = None
    save_network(tmp_path / "former.safetensors", network, "snadnet-small-full")
    core = read_model(tmp_path / "former.safetensors").core
    assert core.turn_estimator is None
    blurred = torch.rand(1, 3, 64, 64, generator=generator())
    with torch.no_grad():
        output, expected = core(blurred), network.eval()(blurred)
    torch.testing.assert_close(output.restored, expected.restored)


def test_a_pass_over_a_pass_has_no_estimator_of_its_own() -> None:
    network = create_network("snadnet-small-twice")
    assert isinstance(network, FullSizeSNADNet)
    assert network.turn_estimator is None
    assert network.first.turn_estimator is not None


def test_motions_of_the_protocols_turn_too() -> None:
    """The kernels at two places of a face differ, by as much as the camera turned."""
    (motion,) = camera_motions(1, anxiety=0.005, seed=4)
    poses = motion.poses(21, 1.0, 3.0)
    assert np.isclose((poses.degrees * poses.weights).sum(), 0.0, atol=1e-9)
    left, right = (poses.kernel_at(place, 0.0) for place in (-40.0, 40.0))
    assert left.sum() == pytest.approx(1.0, abs=1e-5)
    assert left.shape != right.shape or np.abs(left - right).sum() > 0.2
