"""FID and KID by torch-fidelity, from Inception features of all faces (SPEC 12)."""

import hashlib
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snadnet.errors import WeightsError

OFFICIAL_SHA256: Final = "6726825d"
"""What the checksum of torch-fidelity's own Inception weights begins with, as their file name says."""

KID_SUBSETS: Final = 100
KID_SUBSET_SIZE: Final = 1000

_FEATURES: Final = "2048"
_FETCH: Final = (
    "fetch weights-inception-2015-12-05-6726825d.pth (Apache 2.0) from "
    "https://github.com/toshas/torch-fidelity/releases/tag/v0.2.0 and give it by --inception"
)


@dataclass(frozen=True)
class InceptionScores:
    """Distances between the distributions of restored and sharp faces.

    Attributes:
        fid: Frechet Inception distance; NaN for fewer than two faces.
        kid: Kernel Inception distance, the mean over random subsets; NaN for fewer than two faces.
        kid_deviation: Standard deviation over the subsets.
    """

    fid: float
    kid: float
    kid_deviation: float


def missing_for_inception(weights: Path | None) -> str | None:
    """Why FID and KID cannot be had, with the remedy, in one line; None if they can."""
    if find_spec("torch_fidelity") is None:
        return f"FID, KID: left out; run: pip install 'snadnet[fid]', then {_FETCH}"
    return None if weights is not None else f"FID, KID: left out; {_FETCH}"


class InceptionFeatures:
    """Inception-v3 features of uint8 pictures, as torch-fidelity computes them.

    Args:
        weights: torch-fidelity's weights file.
        device: Where the network runs.

    Raises:
        WeightsError: The file is missing, damaged or of another network.
    """

    def __init__(self, weights: Path, *, device: torch.device) -> None:
        from torch_fidelity.feature_extractor_inceptionv3 import (  # noqa: PLC0415 (optional dependency)
            FeatureExtractorInceptionV3,
        )

        try:
            digest = hashlib.sha256(weights.read_bytes()).hexdigest()
            state = torch.load(weights, map_location="cpu", weights_only=True)
            with tempfile.TemporaryDirectory() as folder:
                # torch-fidelity would unpickle anything, code too: it gets a copy of what was checked to be tensors.
                checked = Path(folder) / "inception.pth"
                torch.save(state, checked)
                self._network = FeatureExtractorInceptionV3("inception", [_FEATURES], str(checked)).to(device)
        except Exception as error:  # torch.load and load_state_dict have no common base of errors
            reason = " ".join(str(error).split())[:120]
            raise WeightsError(f"{weights}: no Inception weights ({reason}); {_FETCH}") from error
        self._device = device
        official = "" if digest.startswith(OFFICIAL_SHA256) else ": NOT the official file, not comparable with others"
        self.description = f"FID, KID: torch-fidelity, {weights.name} (sha256 {digest[:16]}{official})"

    @torch.inference_mode()
    def __call__(self, pictures: NDArray[np.uint8]) -> Tensor:
        """Features, float32 (B, 2048) on the CPU, of uint8 RGB (B, H, W, 3)."""
        batch = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))).to(self._device)
        # One by one, or a face's last digits could depend on the faces beside it.
        return torch.cat([self._network(face)[0].cpu() for face in torch.split(batch, 1)])


def inception_scores(restored: Tensor, sharp: Tensor, *, seed: int) -> InceptionScores:
    """FID and KID of two sets of features, each float32 (N, D).

    KID is the mean over 100 random subsets of 1,000 faces, or of all where there are fewer.

    Args:
        restored: Features of one set.
        sharp: Features of the other.
        seed: Settles the subsets.
    """
    from torch_fidelity.metric_fid import (  # noqa: PLC0415 (optional dependency)
        KEY_METRIC_FID,
        fid_features_to_statistics,
        fid_statistics_to_metric,
    )
    from torch_fidelity.metric_kid import (  # noqa: PLC0415
        KEY_METRIC_KID_MEAN,
        KEY_METRIC_KID_STD,
        kid_features_to_metric,
    )

    least = min(len(restored), len(sharp))
    if least < 2:  # noqa: PLR2004 (one point has no spread)
        return InceptionScores(float("nan"), float("nan"), float("nan"))
    statistics = [fid_features_to_statistics(features.double()) for features in (restored, sharp)]
    fid = fid_statistics_to_metric(*statistics, verbose=False)[KEY_METRIC_FID]
    kid = kid_features_to_metric(
        restored,
        sharp,
        kid_subsets=KID_SUBSETS,
        kid_subset_size=min(KID_SUBSET_SIZE, least),
        rng_seed=seed,
        verbose=False,
    )
    return InceptionScores(fid, kid[KEY_METRIC_KID_MEAN], kid[KEY_METRIC_KID_STD])
