"""Inference backends and how networks are opened: ONNX graphs on ONNX Runtime, safetensors files on PyTorch.

The graph's contract, which ``snadnet export`` writes and this package checks:

- input ``blurred``: float32 ``(B, 3, H, W)`` RGB in [0, 1];
- output ``restored``: float32 ``(B, 3, H, W)`` RGB;
- output ``parsing``, which only networks that parse faces have: float32 ``(B, 19, H, W)`` class probabilities
  (`snadnet.faces.classes`), or ``(B, 19, H / 2, W / 2)``;
- output ``kernel``, which only networks that estimate the blur have: float32 ``(B, K, K)``, in pixels of the crop, with
  an odd ``K`` up to 127, weights of at least 0;
- B, H and W are free, but H and W keep the rule in the metadata (`snadnet.inference.onnx_metadata`): multiples of
  ``size_multiple`` (16 where nothing is said; ``16x8`` is height and width) from ``smallest_side`` (32) up;
  ``crop_size`` says for which face crops the network is made (256 px where nothing is said);
- all weights are in the file, or in the ``.safetensors`` file beside it (`snadnet.inference.shared_tensors`), and
  all operations are plain ones of ONNX.
"""

from typing import TYPE_CHECKING, Final

from snadnet.lazy import load_lazily

if TYPE_CHECKING:
    from snadnet.inference.backend import Backend, RestoredCrops, check_crops
    from snadnet.inference.devices import Device, TorchDevice
    from snadnet.inference.light import LightBackend, with_light, without_choice
    from snadnet.inference.mirrored import MirroredBackend, with_effort
    from snadnet.inference.onnx_backend import OnnxBackend, open_ahead, runs_side_by_side
    from snadnet.inference.onnx_safety import MAX_GRAPH_BYTES
    from snadnet.inference.releases import weights_for_large_faces
    from snadnet.inference.resolve import load_model, load_parser, resolve_weights, weights_for_effort

__all__ = [
    "MAX_GRAPH_BYTES",
    "Backend",
    "Device",
    "LightBackend",
    "MirroredBackend",
    "OnnxBackend",
    "RestoredCrops",
    "TorchDevice",
    "check_crops",
    "load_model",
    "load_parser",
    "open_ahead",
    "resolve_weights",
    "runs_side_by_side",
    "weights_for_effort",
    "weights_for_large_faces",
    "with_effort",
    "with_light",
    "without_choice",
]

# Each is loaded when it is first asked for.
_MODULES: Final = {
    "snadnet.inference.backend": (
        "Backend",
        "RestoredCrops",
        "check_crops",
    ),
    "snadnet.inference.devices": (
        "Device",
        "TorchDevice",
    ),
    "snadnet.inference.light": (
        "LightBackend",
        "with_light",
        "without_choice",
    ),
    "snadnet.inference.mirrored": (
        "MirroredBackend",
        "with_effort",
    ),
    "snadnet.inference.onnx_backend": (
        "OnnxBackend",
        "open_ahead",
        "runs_side_by_side",
    ),
    "snadnet.inference.onnx_safety": ("MAX_GRAPH_BYTES",),
    "snadnet.inference.releases": ("weights_for_large_faces",),
    "snadnet.inference.resolve": (
        "load_model",
        "load_parser",
        "resolve_weights",
        "weights_for_effort",
    ),
}
__getattr__ = load_lazily(__name__, _MODULES)
