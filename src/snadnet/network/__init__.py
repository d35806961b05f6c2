"""The restoration network as an ONNX graph on ONNX Runtime.

The graph's contract, which ``snadnet export`` writes and this package checks:

- input ``blurred``: float32 ``(B, 3, H, W)`` RGB in [0, 1];
- output ``restored``: float32 ``(B, 3, H, W)`` RGB;
- output ``parsing``, which only networks that parse faces have: float32 ``(B, 19, H, W)`` class probabilities
  (:mod:`snadnet.faces.classes`);
- B, H and W are free, but H and W keep the rule in the metadata (:mod:`snadnet.network.metadata`): multiples of
  ``size_multiple`` (16 where nothing is said; ``16x8`` is height and width) from ``smallest_side`` (32) up;
- all weights are in the file, and all operations are plain ones of ONNX.
"""

from snadnet.network.crops import CropNetwork, Device, RestoredCrops, check_crops
from snadnet.network.graph_file import MAX_GRAPH_BYTES
from snadnet.network.session import RestorationNetwork

__all__ = ["MAX_GRAPH_BYTES", "CropNetwork", "Device", "RestorationNetwork", "RestoredCrops", "check_crops"]
