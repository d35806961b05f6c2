"""Flicker and error of restored clips, beside the sharp and the blurred clip, for several ways to damp the flicker.

The clips are portraits of ``examples`` that move and are blurred otherwise in each frame (`snadnet.video.synthetic`),
once with a still face and once with a mouth that opens and closes. Flicker is the mean absolute difference, in 8-bit
grey levels, between a face's crop in one frame and in the next; the crops are cut by the true landmarks, and weighted
as they are pasted. PSNR is that of the same crops against those of the sharp clip.

Example: ``python benchmarks/video.py --frames 24 --seed 0``
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import av
import cv2
import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image

from snadnet.environment import run_header
from snadnet.faces import TEMPLATE, FaceDetector, Patch, crop_face, face_matrix, feather_mask, paste_faces
from snadnet.faces.warp import transform
from snadnet.image_arrays import Pixels
from snadnet.inference import Backend, load_model
from snadnet.video.alignment import AlignedFace, align_faces
from snadnet.video.damping import DAMPING_REACH, MISFIT, SPREAD, difference, mean_along_flow
from snadnet.video.synthetic import SyntheticClip, moving_portrait
from snadnet.video.tracks import Moment, find_faces, join_tracks

PORTRAITS = Path(__file__).parents[1] / "examples" / "portraits"

Frames = Sequence[Pixels]
Crops = NDArray[np.float32]
"""``(N, 256, 256, 3)`` in [0, 1]; residuals lie in [-1, 1]."""


def main(
    *,
    frames: Annotated[int, typer.Option(min=2, help="Frames of each clip.")] = 24,
    portrait: Annotated[list[str], typer.Option(help="Names in examples/portraits; give it several times.")] = [  # noqa: B006
        "B001270",
        "K000381",
        "N000187",
    ],
    size: Annotated[tuple[int, int], typer.Option(help="Width and height of the frames.")] = (320, 240),
    seed: Annotated[int, typer.Option(help="Of the motion, the kernels and the noise.")] = 0,
    weights: Annotated[str, typer.Option(help="Released name or file.")] = "fidelity",
) -> None:
    """Print a table for still faces and one for faces whose mouth moves."""
    print(run_header(["snadnet", "onnxruntime", "opencv-python-headless", "numpy", "av"]))
    print(f"{len(portrait)} portraits, {frames} frames of {size[0]} x {size[1]} px each, weights {weights}")
    detector, network = FaceDetector(), load_model(weights)
    for title, mouth in (("still face", 0.0), ("mouth opens and closes", 0.3)):
        rows: dict[str, list[tuple[float, float]]] = {}
        jitter: dict[str, list[float]] = {}
        for number, name in enumerate(portrait):
            pixels = np.asarray(Image.open(PORTRAITS / f"{name}.jpg").convert("RGB"))
            face = detector.refine(pixels, detector.detect(pixels)[0])
            clip = moving_portrait(pixels, face.landmarks, frames=frames, size=size, seed=seed + number, mouth=mouth)
            found, smooth = _alignments(clip, detector)
            for which, faces in (("as found", found), ("smooth", smooth)):
                jitter.setdefault(which, []).append(_jitter(clip, faces))
            for row, result in _results(clip, network, found, smooth):
                rows.setdefault(row, []).append(_scores(clip, result))
        print(f"\n{title}; landmarks move against the face by, in px of the crop from frame to frame: ", end="")
        print(", ".join(f"{which} {np.mean(values):.2f}" for which, values in jitter.items()))
        print("\n| clip | flicker | PSNR |\n|---|---|---|")
        for row, scores in rows.items():
            flicker, psnr = np.mean(scores, axis=0)
            print(f"| {row} | {flicker:.2f} | {'' if np.isinf(psnr) else f'{psnr:.2f} dB'} |", flush=True)


def _alignments(clip: SyntheticClip, detector: FaceDetector) -> tuple[list[NDArray[np.float64]], ...]:
    """The matrices of the face by the landmarks as they are found, and made smooth along its track."""

    def searched() -> Iterator[Moment]:
        for index, pixels in enumerate(clip.blurred):
            yield find_faces(index, av.VideoFrame.from_ndarray(pixels), 0, detector, turned=index % 15 == 0)

    tracked = list(join_tracks(searched(), detector, {}))
    smooth = [_face(moment.faces) for moment in align_faces(iter(tracked), min_face=1, max_faces=1)]
    found = [
        face_matrix(moment.seen[1].landmarks) if 1 in moment.seen else matrix
        for moment, matrix in zip(tracked, smooth, strict=True)
    ]
    return found, smooth


def _face(faces: Sequence[AlignedFace]) -> NDArray[np.float64]:
    if not faces:
        raise SystemExit("a face was not found in each frame; choose another --portrait or --seed")
    return faces[0].matrix


def _results(
    clip: SyntheticClip, network: Backend, found: list[NDArray[np.float64]], smooth: list[NDArray[np.float64]]
) -> Iterator[tuple[str, Frames]]:
    yield "sharp", clip.sharp
    yield "blurred", clip.blurred
    crops, restored = _restored(clip, network, found)
    yield "each frame alone, landmarks as found", _pasted(clip, found, restored - crops)
    crops, restored = _restored(clip, network, smooth)
    yield "each frame alone, smooth landmarks", _pasted(clip, smooth, restored - crops)
    yield "mean of the residuals", _pasted(clip, smooth, _means(restored - crops, _plain))
    yield "mean of the restored crops, weighted by fit", _pasted(clip, smooth, _means(restored, _by_fit) - crops)
    yield (
        "the same along optical flow (`snadnet deblur`)",
        _pasted(clip, smooth, _means(restored, mean_along_flow) - crops),
    )


def _restored(clip: SyntheticClip, network: Backend, matrices: list[NDArray[np.float64]]) -> tuple[Crops, Crops]:
    crops = np.stack([crop_face(pixels, matrix) for pixels, matrix in zip(clip.blurred, matrices, strict=True)])
    return crops, np.concatenate([network(crop[None]).restored for crop in crops])


def _means(
    crops: Crops, mean: Callable[[NDArray[np.float32], list[tuple[int, NDArray[np.float32]]]], NDArray[np.float32]]
) -> Crops:
    reach = range(-DAMPING_REACH, DAMPING_REACH + 1)
    return np.stack(
        [
            mean(crop, [(k, crops[place + k]) for k in reach if k and 0 <= place + k < len(crops)])
            for place, crop in enumerate(crops)
        ]
    )


def _plain(crop: NDArray[np.float32], around: list[tuple[int, NDArray[np.float32]]]) -> NDArray[np.float32]:
    weights = [np.exp(-((offset / SPREAD) ** 2) / 2) for offset, _ in around]
    total = crop + sum(weight * other for weight, (_, other) in zip(weights, around, strict=True))
    return np.asarray(total / (1 + sum(weights)), np.float32)


def _by_fit(crop: NDArray[np.float32], around: list[tuple[int, NDArray[np.float32]]]) -> NDArray[np.float32]:
    total, weights = crop.copy(), np.ones(crop.shape[:2], np.float32)
    for offset, other in around:
        misfit = cv2.GaussianBlur(np.abs(other - crop).mean(axis=2), (0, 0), 3)
        weight = np.exp(-((offset / SPREAD) ** 2) / 2 - (misfit / MISFIT) ** 2 / 2)
        total += weight[..., None] * other
        weights += weight
    return np.asarray(total / weights[..., None], np.float32)


def _pasted(clip: SyntheticClip, matrices: list[NDArray[np.float64]], residuals: Crops) -> Frames:
    return [
        np.asarray(paste_faces(pixels, [Patch(matrix, residual)]), np.uint8)
        for pixels, matrix, residual in zip(clip.blurred, matrices, residuals, strict=True)
    ]


def _scores(clip: SyntheticClip, frames: Frames) -> tuple[float, float]:
    """Flicker in grey levels, and the mean PSNR in dB."""
    matrices = [face_matrix(landmarks) for landmarks in clip.landmarks]
    crops = [crop_face(pixels, matrix) for pixels, matrix in zip(frames, matrices, strict=True)]
    sharp = [crop_face(pixels, matrix) for pixels, matrix in zip(clip.sharp, matrices, strict=True)]
    flicker = np.mean([difference(first, second) for first, second in pairwise(crops)])
    mask = feather_mask()
    with np.errstate(divide="ignore"):
        psnr = [
            -10 * np.log10((((crop - true) ** 2).mean(axis=2) * mask).sum() / mask.sum())
            for crop, true in zip(crops, sharp, strict=True)
        ]
    return float(flicker), float(np.mean(psnr))


def _jitter(clip: SyntheticClip, matrices: list[NDArray[np.float64]]) -> float:
    """How far the template's points move on the face itself from frame to frame, in px of the true crop."""
    places = []
    for matrix, landmarks in zip(matrices, clip.landmarks, strict=True):
        back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
        places.append(transform(face_matrix(landmarks), transform(back, TEMPLATE)))
    return float(np.linalg.norm(np.diff(np.stack(places), axis=0), axis=2).mean())


if __name__ == "__main__":
    typer.run(main)
