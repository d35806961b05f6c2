"""Speed of making and applying blur kernels.

Prints kernels per second (single and in bulk), and for a grid of image and kernel sizes the best time of
the spatial and of the FFT method, from which the ``auto`` rule of ``snadnet.blur.apply_kernel`` was taken.

    python benchmarks/blur_speed.py [--kernels 5000] [--threads 2]
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

from snadnet.blur import apply_kernel, rotating_blur, trajectory_kernel, trajectory_kernels

IMAGE_SIDES = (128, 160, 256, 320, 512, 640, 1024)
KERNEL_SIDES = (5, 9, 11, 13, 21, 29, 61)


def best_milliseconds(*actions: Callable[[], object], repeats: int = 9) -> list[float]:
    """Return the shortest wall-clock time of each action; they take turns, so that all meet the same load."""
    shortest = [float("inf")] * len(actions)
    for _ in range(repeats):
        for i, action in enumerate(actions):
            start = time.perf_counter()
            action()
            shortest[i] = min(shortest[i], 1000 * (time.perf_counter() - start))
    return shortest


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernels", type=int, default=5000, help="kernels made for the bulk figure")
    parser.add_argument("--threads", type=int, default=2, help="threads OpenCV may use")
    arguments = parser.parse_args()
    cv2.setNumThreads(arguments.threads)

    sizes = [13 + 2 * (i % 9) for i in range(arguments.kernels)]
    start = time.perf_counter()
    trajectory_kernels(sizes, seed=0)
    rate = arguments.kernels / (time.perf_counter() - start)
    print(f"trajectory kernels, 13 to 29 px, in bulk: {rate:.0f} a second; 25,000 in {25_000 / rate:.0f} s")
    (single,) = best_milliseconds(lambda: trajectory_kernel(27, seed=0))
    print(f"trajectory kernel, 27 px, one alone: {single:.1f} ms")
    rng = np.random.default_rng(0)
    face = rng.random((256, 256, 3), dtype=np.float32)
    (turning,) = best_milliseconds(lambda: rotating_blur(face, 27, max_rotation_degrees=2, seed=0), repeats=3)
    print(f"rotating blur, 27 px and 2 degrees on 256 x 256 x 3: {turning:.0f} ms")

    print(f"\napply_kernel, one square RGB image, spatial / fft in ms ({arguments.threads} OpenCV threads)")
    print("kernel  " + "".join(f"{side:>18}" for side in IMAGE_SIDES))
    for kernel_side in KERNEL_SIDES:
        kernel = trajectory_kernel(kernel_side, seed=1)
        cells = []
        for side in IMAGE_SIDES:
            image = rng.random((side, side, 3), dtype=np.float32)
            spatial, fft = best_milliseconds(
                partial(apply_kernel, image, kernel, method="spatial"),
                partial(apply_kernel, image, kernel, method="fft"),
            )
            cells.append(f"{spatial:>9.2f} /{fft:>7.2f}")
        print(f"{kernel_side:>6}  " + "".join(cells))


if __name__ == "__main__":
    main()
