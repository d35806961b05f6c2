"""Faces in a photo: finding and choosing them, cutting the canonical crop, putting the restored crop back."""

from typing import TYPE_CHECKING, Final

from snadnet.lazy import load_lazily

if TYPE_CHECKING:
    from snadnet.faces.align import TEMPLATE, crop_face, face_matrix, similarity
    from snadnet.faces.choice import AllFaces, FaceBox, FaceChoice, FaceNumber, LargestFace, parse_box, parse_face
    from snadnet.faces.defaults import CROP_SIZE, LARGE_CROP_SIZE, MAX_FACES, MIN_CONFIDENCE, MIN_FACE
    from snadnet.faces.detect import FaceDetector
    from snadnet.faces.draw import draw_boxes, face_images, kernel_photo, side_by_side
    from snadnet.faces.paste import (
        Patch,
        add_residual,
        blended_change,
        check_strength,
        feather_mask,
        paste_faces,
        patch_tiles,
    )
    from snadnet.faces.results import EstimatedBlur, Explains, FoundFace, Restoration, RestoredFace, SkippedFace
    from snadnet.faces.select import select_faces
    from snadnet.faces.sharpness import measure_sharpness
    from snadnet.faces.types import LANDMARK_NAMES, Box, Face

__all__ = [
    "CROP_SIZE",
    "LANDMARK_NAMES",
    "LARGE_CROP_SIZE",
    "MAX_FACES",
    "MIN_CONFIDENCE",
    "MIN_FACE",
    "TEMPLATE",
    "AllFaces",
    "Box",
    "EstimatedBlur",
    "Explains",
    "Face",
    "FaceBox",
    "FaceChoice",
    "FaceDetector",
    "FaceNumber",
    "FoundFace",
    "LargestFace",
    "Patch",
    "Restoration",
    "RestoredFace",
    "SkippedFace",
    "add_residual",
    "blended_change",
    "check_strength",
    "crop_face",
    "draw_boxes",
    "face_images",
    "face_matrix",
    "feather_mask",
    "kernel_photo",
    "measure_sharpness",
    "parse_box",
    "parse_face",
    "paste_faces",
    "patch_tiles",
    "select_faces",
    "side_by_side",
    "similarity",
]

# Each is loaded when it is first asked for.
_MODULES: Final = {
    "snadnet.faces.align": (
        "TEMPLATE",
        "crop_face",
        "face_matrix",
        "similarity",
    ),
    "snadnet.faces.choice": (
        "AllFaces",
        "FaceBox",
        "FaceChoice",
        "FaceNumber",
        "LargestFace",
        "parse_box",
        "parse_face",
    ),
    "snadnet.faces.defaults": ("CROP_SIZE", "LARGE_CROP_SIZE", "MAX_FACES", "MIN_CONFIDENCE", "MIN_FACE"),
    "snadnet.faces.detect": ("FaceDetector",),
    "snadnet.faces.draw": (
        "draw_boxes",
        "face_images",
        "kernel_photo",
        "side_by_side",
    ),
    "snadnet.faces.paste": (
        "Patch",
        "add_residual",
        "blended_change",
        "check_strength",
        "feather_mask",
        "paste_faces",
        "patch_tiles",
    ),
    "snadnet.faces.results": (
        "EstimatedBlur",
        "Explains",
        "FoundFace",
        "Restoration",
        "RestoredFace",
        "SkippedFace",
    ),
    "snadnet.faces.select": ("select_faces",),
    "snadnet.faces.sharpness": ("measure_sharpness",),
    "snadnet.faces.types": (
        "LANDMARK_NAMES",
        "Box",
        "Face",
    ),
}
__getattr__ = load_lazily(__name__, _MODULES)
