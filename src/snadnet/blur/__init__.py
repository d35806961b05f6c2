"""Motion blur: linear and camera-shake kernels, exact convolution, sensor noise (`docs/research/paper.md`, Blur)."""

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
