"""snadnet: face deblurring with separable normalization and adaptive denormalization (SNADNet).

from snadnet import Deblurrer

restoration = Deblurrer().restore("photo.jpg")
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from snadnet.deblurrer import Deblurrer
    from snadnet.faces import (
        AllFaces,
        FaceBox,
        FaceNumber,
        LargestFace,
        Restoration,
        RestoredFace,
        SkippedFace,
        draw_boxes,
        face_images,
    )

__version__ = "0.1.0"
__all__ = [
    "AllFaces",
    "Deblurrer",
    "FaceBox",
    "FaceNumber",
    "LargestFace",
    "Restoration",
    "RestoredFace",
    "SkippedFace",
    "__version__",
    "draw_boxes",
    "face_images",
]


def __getattr__(name: str) -> object:
    # Loaded when asked for: training code and `snadnet --help` need neither OpenCV nor ONNX Runtime.
    if name in __all__:
        from snadnet import deblurrer, faces  # noqa: PLC0415

        return getattr(deblurrer if name == "Deblurrer" else faces, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
