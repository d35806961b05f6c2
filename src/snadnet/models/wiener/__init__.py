"""Blind Wiener deconvolution of faces: this project's own reference, and a conditioning network of SNADNet."""

from snadnet.models.descriptor import ModelDescriptor
from snadnet.models.wiener.deconvolution import deconvolve
from snadnet.models.wiener.estimator import KERNEL_SIDE, KernelEstimate, KernelEstimator
from snadnet.models.wiener.network import (
    REGULARIZATIONS,
    BlindWiener,
    WienerOutput,
    deconvolve_by,
    enlarge_kernel,
    halve_kernel,
)
from snadnet.models.wiener.refinement import KernelRefiner, regress_kernel
from snadnet.size_rule import SizeRule

__all__ = [
    "DESCRIPTORS",
    "KERNEL_SIDE",
    "REGULARIZATIONS",
    "BlindWiener",
    "KernelEstimate",
    "KernelEstimator",
    "KernelRefiner",
    "WienerOutput",
    "deconvolve",
    "deconvolve_by",
    "enlarge_kernel",
    "halve_kernel",
    "regress_kernel",
]

DESCRIPTORS = (
    ModelDescriptor(
        "wiener-small",
        task="deblurring",
        role="reference",
        paper="Wiener, Extrapolation, Interpolation, and Smoothing of Stationary Time Series",
        year=1949,
        licence="MIT",
        build=BlindWiener,
        size=SizeRule.multiple_of(2),
    ),
)
