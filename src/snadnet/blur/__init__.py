"""Motion blur: linear and camera-shake kernels, exact convolution, sensor noise (`docs/research/paper.md`, Blur)."""

from typing import TYPE_CHECKING, Final

from snadnet.lazy import load_lazily

if TYPE_CHECKING:
    from snadnet.blur.consistency import Consistency, measure_consistency
    from snadnet.blur.convolution import Border, Method, apply_kernel
    from snadnet.blur.disc import disc_kernel
    from snadnet.blur.extent import KernelExtent, kernel_extent, point_if_unmoved
    from snadnet.blur.linear import linear_kernel
    from snadnet.blur.noise import add_noise, noise_level
    from snadnet.blur.rotation import CameraMotion, Poses, blur_by_motion, camera_motions, rotating_blur
    from snadnet.blur.trajectory import (
        ANXIETY,
        Placement,
        trajectory_kernel,
        trajectory_kernels,
        trajectory_kernels_of_seeds,
    )
    from snadnet.blur.visualize import kernel_to_image, kernels_to_image

__all__ = [
    "ANXIETY",
    "Border",
    "CameraMotion",
    "Consistency",
    "KernelExtent",
    "Method",
    "Placement",
    "Poses",
    "add_noise",
    "apply_kernel",
    "blur_by_motion",
    "camera_motions",
    "disc_kernel",
    "kernel_extent",
    "kernel_to_image",
    "kernels_to_image",
    "linear_kernel",
    "measure_consistency",
    "noise_level",
    "point_if_unmoved",
    "rotating_blur",
    "trajectory_kernel",
    "trajectory_kernels",
    "trajectory_kernels_of_seeds",
]

# Each is loaded when it is first asked for.
_MODULES: Final = {
    "snadnet.blur.consistency": (
        "Consistency",
        "measure_consistency",
    ),
    "snadnet.blur.convolution": (
        "Border",
        "Method",
        "apply_kernel",
    ),
    "snadnet.blur.disc": ("disc_kernel",),
    "snadnet.blur.extent": (
        "KernelExtent",
        "kernel_extent",
        "point_if_unmoved",
    ),
    "snadnet.blur.linear": ("linear_kernel",),
    "snadnet.blur.noise": (
        "add_noise",
        "noise_level",
    ),
    "snadnet.blur.rotation": (
        "CameraMotion",
        "Poses",
        "blur_by_motion",
        "camera_motions",
        "rotating_blur",
    ),
    "snadnet.blur.trajectory": (
        "ANXIETY",
        "Placement",
        "trajectory_kernel",
        "trajectory_kernels",
        "trajectory_kernels_of_seeds",
    ),
    "snadnet.blur.visualize": (
        "kernel_to_image",
        "kernels_to_image",
    ),
}
__getattr__ = load_lazily(__name__, _MODULES)
