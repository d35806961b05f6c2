"""snadnet: face deblurring with separable normalization and adaptive denormalization (SNADNet).

from snadnet import Deblurrer

restoration = Deblurrer().restore("photo.jpg")
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from snadnet.deblurrer import Deblurrer, Restoration, RestoredFace, SkippedFace

__version__ = "0.1.0"
__all__ = ["Deblurrer", "Restoration", "RestoredFace", "SkippedFace", "__version__"]


def __getattr__(name: str) -> object:
    # Loaded when asked for: training code and `snadnet --help` need neither OpenCV nor ONNX Runtime.
    if name in __all__:
        from snadnet import deblurrer  # noqa: PLC0415

        return getattr(deblurrer, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
