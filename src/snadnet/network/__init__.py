"""The restoration network as an ONNX graph on ONNX Runtime.

The graph's contract, which ``snadnet export`` writes and this package checks:

- input ``blurred``: float32 ``(B, 3, H, W)`` RGB in [0, 1];
- output ``restored``: float32 ``(B, 3, H, W)`` RGB;
- output ``parsing``: float32 ``(B, 19, H, W)`` class probabilities (:mod:`snadnet.faces.classes`);
- B, H and W are free, but H and W are multiples of the number in the metadata entry ``size_multiple`` (16);
- all weights are in the file, and all operations are plain ones of ONNX.
"""

from snadnet.network.graph_file import MAX_GRAPH_BYTES
from snadnet.network.session import DEFAULT_SIZE_MULTIPLE, SIZE_MULTIPLE_KEY, Device, RestorationNetwork

__all__ = ["DEFAULT_SIZE_MULTIPLE", "MAX_GRAPH_BYTES", "SIZE_MULTIPLE_KEY", "Device", "RestorationNetwork"]
