"""Cost of separable normalization beside instance normalization.

Example: ``python benchmarks/normalization_cost.py --shape 8x64x64x64 --shape 1x32x256x256``
"""

import statistics
from collections.abc import Callable
from typing import Annotated

import torch
import typer
from torch import Tensor
from torch.nn import functional as F
from torch.utils.benchmark import Timer

from snadnet.environment import run_header
from snadnet.models.snadnet.normalization import SeparableNormalization

SHAPES = ("8x32x80x80", "8x64x40x40", "8x128x20x20", "1x32x128x128", "1x64x64x64")


def main(
    *,
    shape: Annotated[list[str] | None, typer.Option(help="Feature shape BxCxHxW; repeatable.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = torch.get_num_threads(),
    rounds: Annotated[int, typer.Option(min=1, help="Measurements of each.")] = 25,
    channels_last: Annotated[bool, typer.Option(help="Channels-last memory format.")] = False,
    half: Annotated[bool, typer.Option(help="Features in half precision.")] = False,
    device: Annotated[str, typer.Option(help="A PyTorch device.")] = "cpu",
) -> None:
    """Print median times of both, forward and forward with backward, and their ratio."""
    print(run_header(["snadnet", "torch"]))
    print(f"device {device}, {threads} threads, channels last {channels_last}, half precision {half}")
    print(f"medians of {rounds} alternating rounds; soft masks; ratio = separable / instance\n")
    print(f"{'shape':>16}  {'pass':>18}  instance ms  separable ms  ratio")
    separable = SeparableNormalization()
    for text in shape or SHAPES:
        features = _features(text, channels_last=channels_last, half=half, device=device)
        batch, _, height, width = features.shape
        foreground = torch.rand(batch, 1, height, width, device=device)

        def by_region(values: Tensor, mask: Tensor = foreground) -> Tensor:
            normalized: Tensor = separable(values, mask)
            return normalized

        for name, timed in (("forward", _forward), ("forward + backward", _forward_and_backward)):
            timers = [
                Timer(
                    "timed(normalize, features)",
                    globals={"timed": timed, "normalize": normalize, "features": features},
                    num_threads=threads,
                )
                for normalize in (F.instance_norm, by_region)
            ]
            times = _alternating_times(timers, rounds)
            instance_time, separable_time = (statistics.median(each) for each in zip(*times, strict=True))
            ratio = statistics.median(second / first for first, second in times)
            print(f"{text:>16}  {name:>18}  {1e3 * instance_time:11.3f}  {1e3 * separable_time:12.3f}  {ratio:5.2f}")


Normalization = Callable[[Tensor], Tensor]


def _forward(normalize: Normalization, features: Tensor) -> None:
    with torch.inference_mode():
        normalize(features)


def _forward_and_backward(normalize: Normalization, features: Tensor) -> None:
    leaf = features.detach().requires_grad_()
    torch.autograd.backward(normalize(leaf), features)


def _alternating_times(timers: list[Timer], rounds: int) -> list[list[float]]:
    """Seconds a call of each timer, in turns, so that a machine that gets busier slows all of them alike."""
    calls = [timer.blocked_autorange(min_run_time=0.02).number_per_run for timer in timers]
    return [[timer.timeit(number).mean for timer, number in zip(timers, calls, strict=True)] for _ in range(rounds)]


def _features(text: str, *, channels_last: bool, half: bool, device: str) -> Tensor:
    try:
        batch, channels, height, width = (int(part) for part in text.split("x"))
    except ValueError as error:
        raise typer.BadParameter(f"{text}: write BxCxHxW, as in 8x32x80x80", param_hint="--shape") from error
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(batch, channels, height, width, generator=generator)
    features = features.to(device, torch.float16 if half else torch.float32)
    return features.contiguous(memory_format=torch.channels_last) if channels_last else features


if __name__ == "__main__":
    typer.run(main)
