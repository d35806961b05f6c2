"""Any folder of images as a data set: aligned faces as they are, others found and aligned by our own detector."""

from functools import partial
from pathlib import Path

from snadnet.data.image_folder import check_names, list_images
from snadnet.data.prepare.preparation import FaceJob, FacePixels, Preparation, in_name_order, resized, split_in_order
from snadnet.errors import DataError
from snadnet.faces import FaceDetector, crop_face, face_matrix
from snadnet.faces.warp import scale_of
from snadnet.image_arrays import to_uint8
from snadnet.photo import read_srgb


def face_folder(source: Path, *, aligned: bool, size: int = 256, validation: int = 0, test: int = 0) -> Preparation:
    """The images of a folder, the last by name held out.

    Args:
        source: Holds the images, not its sub-folders.
        aligned: They are square face crops already; otherwise the largest face of each is found and aligned.
        size: Side of the faces in pixels.
        validation: How many are held out for validation.
        test: How many, the very last by name, are held out for test.

    Raises:
        DataError: If there are no images, two of one name, or none left to train on.
    """
    images = sorted(list_images(source), key=lambda path: path.stem)
    check_names(images)
    make = _aligned_face if aligned else partial(_found_face, FaceDetector())
    splits = split_in_order(len(images), validation, test)
    jobs = [
        FaceJob(path.stem, split, path.name, partial(make, path, size))
        for path, split in zip(images, splits, strict=True)
    ]
    framing = f"whole, to {size} px" if aligned else f"the largest face, aligned to FFHQ's five points, {size} px"
    return Preparation("folder", size, framing, False, in_name_order(jobs))


def _aligned_face(path: Path, size: int) -> FacePixels:
    return FacePixels(resized(read_srgb(path), size, name=str(path)))


def _found_face(detector: FaceDetector, path: Path, size: int) -> FacePixels:
    pixels = read_srgb(path)
    faces = detector.detect(pixels)
    if not faces:
        raise DataError(f"{path}: no face was found; remove it, or crop it by hand and give it as aligned")
    matrix = face_matrix(detector.refine(pixels, faces[0]).landmarks, size)
    if scale_of(matrix) > 1:
        # As for aligned faces: one with made-up pixels is no sharp reference.
        raise DataError(f"{path}: its largest face spans {size / scale_of(matrix):.0f} px, under {size}; remove it")
    return FacePixels(to_uint8(crop_face(pixels, matrix, size)))
