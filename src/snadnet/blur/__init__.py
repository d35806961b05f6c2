"""Motion blur: linear and camera-shake kernels, exact convolution, sensor noise (`docs/research/paper.md`, Blur)."""

from snadnet.blur.convolution import Border, Method, apply_kernel
from snadnet.blur.linear import linear_kernel
from snadnet.blur.noise import add_noise
from snadnet.blur.rotation import CameraMotion, blur_by_motion, camera_motions, rotating_blur
from snadnet.blur.trajectory import trajectory_kernel, trajectory_kernels, trajectory_kernels_of_seeds
from snadnet.blur.visualize import kernel_to_image, kernels_to_image

__all__ = [
    "Border",
    "CameraMotion",
    "Method",
    "add_noise",
    "apply_kernel",
    "blur_by_motion",
    "camera_motions",
    "kernel_to_image",
    "kernels_to_image",
    "linear_kernel",
    "rotating_blur",
    "trajectory_kernel",
    "trajectory_kernels",
    "trajectory_kernels_of_seeds",
]
