"""Faces in a photo: finding them, cutting the canonical crop, putting the restored crop back."""

from snadnet.faces.align import CROP_SIZE, TEMPLATE, crop_face, face_matrix, similarity
from snadnet.faces.detect import MIN_CONFIDENCE, FaceDetector
from snadnet.faces.paste import Patch, add_residual, check_strength, feather_mask, paste_faces
from snadnet.faces.sharpness import measure_sharpness
from snadnet.faces.types import LANDMARK_NAMES, Box, Face

__all__ = [
    "CROP_SIZE",
    "LANDMARK_NAMES",
    "MIN_CONFIDENCE",
    "TEMPLATE",
    "Box",
    "Face",
    "FaceDetector",
    "Patch",
    "add_residual",
    "check_strength",
    "crop_face",
    "face_matrix",
    "feather_mask",
    "measure_sharpness",
    "paste_faces",
    "similarity",
]
