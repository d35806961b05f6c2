"""Faces in a photo: finding and choosing them, cutting the canonical crop, putting the restored crop back."""

from snadnet.faces.align import CROP_SIZE, TEMPLATE, crop_face, face_matrix, similarity
from snadnet.faces.choice import AllFaces, FaceBox, FaceChoice, FaceNumber, LargestFace, parse_box, parse_face
from snadnet.faces.detect import MIN_CONFIDENCE, FaceDetector
from snadnet.faces.draw import draw_boxes, face_images, kernel_photo, side_by_side
from snadnet.faces.paste import Patch, add_residual, check_strength, feather_mask, paste_faces
from snadnet.faces.results import EstimatedBlur, Explains, FoundFace, Restoration, RestoredFace, SkippedFace
from snadnet.faces.select import select_faces
from snadnet.faces.sharpness import measure_sharpness
from snadnet.faces.types import LANDMARK_NAMES, Box, Face

__all__ = [
    "CROP_SIZE",
    "LANDMARK_NAMES",
    "MIN_CONFIDENCE",
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
    "select_faces",
    "side_by_side",
    "similarity",
]
