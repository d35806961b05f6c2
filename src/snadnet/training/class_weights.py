"""The class weights of the focal loss (``alpha_t`` of Eq. 2), counted on the label maps that are trained on."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from snadnet.data.image_folder import FaceFile, read_labels
from snadnet.errors import ConfigError
from snadnet.faces.classes import NUM_CLASSES

MAX_COUNTED: Final = 2000
"""So many label maps, spread over the training faces, are counted at most."""


def count_class_weights(faces: Sequence[FaceFile]) -> tuple[NDArray[np.float64], int]:
    """Return one weight for each of the 19 classes, by how rare its pixels are in the label maps of faces.

    The weights go with ``f ** -0.5`` of a class's share ``f`` of the labelled pixels, and their mean over those pixels
    is 1, so that the size of the loss does not change. The paper gives neither values nor a rule. The paper of the
    focal loss names the inverse of the share; its square root is taken since shares of face classes differ a
    thousandfold. A class without pixels gets the largest weight of the others.

    Args:
        faces: The faces that are trained on; those without label maps are passed over.

    Returns:
        The weights, (19,), and how many label maps were counted.

    Raises:
        ConfigError: If no face has a label map, or none has a labelled pixel.
        DataError: If a label map cannot be read.
    """
    files = [face.labels for face in faces if face.labels is not None]
    files = files[:: -(-len(files) // MAX_COUNTED)] if files else []
    pixels = np.zeros(NUM_CLASSES, np.int64)
    for file in files:
        # 255, unknown, is beyond the classes.
        pixels += np.bincount(read_labels(file).ravel(), minlength=256)[:NUM_CLASSES]
    if not pixels.any():
        raise ConfigError("alpha: counted needs label maps to count; give data.sources.0.labels, or 19 weights")
    shares = pixels / pixels.sum()
    weights = np.zeros(NUM_CLASSES)
    np.power(shares, -0.5, out=weights, where=pixels > 0)
    weights /= (weights * shares).sum()
    return np.where(pixels > 0, weights, weights.max()), len(files)
