"""Any deblurring network, open to run: ONNX files on ONNX Runtime, safetensors on PyTorch where that is installed."""

from snadnet.running.opening import open_network

__all__ = ["open_network"]
