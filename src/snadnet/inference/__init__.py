"""Inference backends and how networks are opened: ONNX graphs on ONNX Runtime, safetensors files on PyTorch.

The graph's contract, which ``snadnet export`` writes and this package checks:

- input ``blurred``: float32 ``(B, 3, H, W)`` RGB in [0, 1];
- output ``restored``: float32 ``(B, 3, H, W)`` RGB;
- output ``parsing``, which only networks that parse faces have: float32 ``(B, 19, H, W)`` class probabilities
  (`snadnet.faces.classes`);
- output ``kernel``, which only networks that estimate the blur have: float32 ``(B, K, K)``, in pixels of the crop, with
  an odd ``K`` up to 127, weights of at least 0;
- B, H and W are free, but H and W keep the rule in the metadata (`snadnet.inference.onnx_metadata`): multiples of
  ``size_multiple`` (16 where nothing is said; ``16x8`` is height and width) from ``smallest_side`` (32) up;
- all weights are in the file, or in the ``.safetensors`` file beside it (`snadnet.inference.shared_tensors`), and
  all operations are plain ones of ONNX.
"""

from snadnet.inference.backend import Backend, Device, RestoredCrops, check_crops
from snadnet.inference.onnx_backend import OnnxBackend
from snadnet.inference.onnx_safety import MAX_GRAPH_BYTES
from snadnet.inference.resolve import load_model, load_parser, resolve_weights

__all__ = [
    "MAX_GRAPH_BYTES",
    "Backend",
    "Device",
    "OnnxBackend",
    "RestoredCrops",
    "check_crops",
    "load_model",
    "load_parser",
    "resolve_weights",
]
