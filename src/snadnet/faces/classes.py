"""The 19 CelebAMask-HQ classes and the regions that SNADNet makes of them (paper, Fig. 6 and III-C).

Class ids are the pixel values of CelebAMask-HQ label images in the data set's own order.
"""

from typing import Final

CLASS_NAMES: Final[tuple[str, ...]] = (
    "background",
    "skin",
    "nose",
    "glasses",
    "left_eye",
    "right_eye",
    "left_brow",
    "right_brow",
    "left_ear",
    "right_ear",
    "mouth",
    "upper_lip",
    "lower_lip",
    "hair",
    "hat",
    "earring",
    "necklace",
    "neck",
    "cloth",
)
NUM_CLASSES: Final = len(CLASS_NAMES)

LEFT_RIGHT_PAIRS: Final[tuple[tuple[int, int], ...]] = ((4, 5), (6, 7), (8, 9))
"""Class ids that change places when an image is mirrored."""

REGIONS: Final[dict[str, tuple[int, ...]]] = {
    "skin": (1, 8, 9, 15, 16, 17),
    "facial": (2, 3, 4, 5, 6, 7, 10, 11, 12),
    "hair": (13, 14),
    "back": (0, 18),
}
"""The four regions of the reconstruction loss (Fig. 6). They partition the 19 classes."""

BACKGROUND_CLASSES: Final[tuple[int, ...]] = REGIONS["back"]
"""The classes whose probability is the background mask ``M_b``; the foreground is ``M_f = 1 - M_b``."""
