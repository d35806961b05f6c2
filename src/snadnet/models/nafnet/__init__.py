"""NAFNet, the modern reference (Chen et al. 2022, Simple Baselines for Image Restoration)."""

from snadnet.models.nafnet.network import NAFNET_32, NAFNET_64, NAFNET_CPU, SIZE_MULTIPLE, NAFNet, NAFNetConfig

__all__ = ["NAFNET_32", "NAFNET_64", "NAFNET_CPU", "SIZE_MULTIPLE", "NAFNet", "NAFNetConfig"]
