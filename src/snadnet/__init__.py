"""snadnet deblurs the faces in photos, by separable normalization and adaptive denormalization (SNADNet).

    from snadnet import Deblurrer

    restoration = Deblurrer().restore("photo.jpg")
    print(restoration.summary)
    restoration.save("photo_deblurred.jpg")

The result is an estimate, not evidence: do not identify people by it.

What is here, by use:

- Restoring photos: Deblurrer; its results Restoration, RestoredFace, SkippedFace, and FoundFace before that.
- Choosing faces (FaceChoice): AllFaces, LargestFace, FaceNumber, FaceBox.
- Showing what was done: draw_boxes, face_images, side_by_side.
- Photos: read_photo, read_photo_bytes, write_photo, encode_photo, Photo, Limits.
- Networks: load_model, load_parser, resolve_weights, and Backend, what a network of your own has to be.
- Errors: SnadnetError, the base of PhotoError, VideoError, OutputExistsError, WeightsError, ModelError, DataError,
  ConfigError, UsageError, TrainingError.

Each is loaded when it is first asked for, so that ``import snadnet`` is quick. Training, losses, metrics and the models
themselves are in the subpackages and need ``snadnet[train]``.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from snadnet.deblurrer import Deblurrer
    from snadnet.errors import (
        ConfigError,
        DataError,
        ModelError,
        OutputExistsError,
        PhotoError,
        SnadnetError,
        TrainingError,
        UsageError,
        VideoError,
        WeightsError,
    )
    from snadnet.faces import (
        AllFaces,
        FaceBox,
        FaceChoice,
        FaceNumber,
        FoundFace,
        LargestFace,
        Restoration,
        RestoredFace,
        SkippedFace,
        draw_boxes,
        face_images,
        side_by_side,
    )
    from snadnet.inference import Backend, load_model, load_parser, resolve_weights
    from snadnet.photo import Limits, Photo, encode_photo, read_photo, read_photo_bytes, write_photo

# From 1.29 on, ONNX Runtime reports its use to Microsoft unless it is told not to before it starts. Set here, as
# nothing of this package is imported earlier; whoever wants the reports sets it to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
__all__ = [
    "AllFaces",
    "Backend",
    "ConfigError",
    "DataError",
    "Deblurrer",
    "FaceBox",
    "FaceChoice",
    "FaceNumber",
    "FoundFace",
    "LargestFace",
    "Limits",
    "ModelError",
    "OutputExistsError",
    "Photo",
    "PhotoError",
    "Restoration",
    "RestoredFace",
    "SkippedFace",
    "SnadnetError",
    "TrainingError",
    "UsageError",
    "VideoError",
    "WeightsError",
    "__version__",
    "draw_boxes",
    "encode_photo",
    "face_images",
    "load_model",
    "load_parser",
    "read_photo",
    "read_photo_bytes",
    "resolve_weights",
    "side_by_side",
    "write_photo",
]

# Where each name comes from. Loading them all would bring OpenCV and ONNX Runtime, which training code and
# `snadnet --help` do not need.
_MODULES: Final = {
    "snadnet.deblurrer": ("Deblurrer",),
    "snadnet.errors": (
        "ConfigError",
        "DataError",
        "ModelError",
        "OutputExistsError",
        "PhotoError",
        "SnadnetError",
        "TrainingError",
        "UsageError",
        "VideoError",
        "WeightsError",
    ),
    "snadnet.faces": (
        "AllFaces",
        "FaceBox",
        "FaceChoice",
        "FaceNumber",
        "FoundFace",
        "LargestFace",
        "Restoration",
        "RestoredFace",
        "SkippedFace",
        "draw_boxes",
        "face_images",
        "side_by_side",
    ),
    "snadnet.inference": ("Backend", "load_model", "load_parser", "resolve_weights"),
    "snadnet.photo": ("Limits", "Photo", "encode_photo", "read_photo", "read_photo_bytes", "write_photo"),
}
_MODULE_OF: Final = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULE_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
