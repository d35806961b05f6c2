"""FID and KID by torch-fidelity, from Inception features of all faces.

Frechet Inception distance: Heusel et al. 2017; kernel Inception distance: Binkowski et al. 2018. Unlike the other
metrics they compare two sets of faces, and have no value for one face.
"""

import tempfile
from dataclasses import astuple, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snadnet.errors import ConfigError, WeightsError
from snadnet.files import sha256_of
from snadnet.inference import Device
from snadnet.inference.torch_backend import torch_device
from snadnet.metrics.base import MetricOptions, SetMeasure, SetMetric

OFFICIAL_SHA256: Final = "6726825d"
"""First digits of the checksum of torch-fidelity's own Inception weights, as in their file name."""

KID_SUBSETS: Final = 100
KID_SUBSET_SIZE: Final = 1000

_FEATURES: Final = "2048"
REMEDY: Final = (
    "fetch weights-inception-2015-12-05-6726825d.pth (Apache 2.0) from "
    "https://github.com/toshas/torch-fidelity/releases/tag/v0.2.0 and give it by --inception"
)

_INSTALL: Final = "run: pip install 'snadnet[fid]'"


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


class Distribution(SetMetric):
    """FID and KID of restored against sharp faces, by the Inception-v3 features of torch-fidelity.

    Args:
        inception: torch-fidelity's weights file (.pth).
        device: Where the network runs.

    Raises:
        ConfigError: If torch-fidelity is not installed.
        WeightsError: If the file is missing, damaged or of another network.
    """

    set_measures = (
        SetMeasure("fid", "FID", 2),
        SetMeasure("kid", "KID x 1000", 2, 1000),
        SetMeasure("kid_deviation", "KID deviation x 1000", 2, 1000),
    )

    def __init__(self, inception: Path, *, device: Device = "auto") -> None:
        if not _is_installed():
            raise ConfigError(f"FID, KID: need torch-fidelity, which is not installed; {_INSTALL}")
        from torch_fidelity.feature_extractor_inceptionv3 import (  # noqa: PLC0415 (optional dependency)
            FeatureExtractorInceptionV3,
        )

        place = torch_device(device)
        try:
            digest = sha256_of(inception)
            state = torch.load(inception, map_location="cpu", weights_only=True)
            with tempfile.TemporaryDirectory() as folder:
                # torch-fidelity would unpickle anything, code too: it gets a copy of what was checked to be tensors.
                checked = Path(folder) / "inception.pth"
                torch.save(state, checked)
                self._network = FeatureExtractorInceptionV3("inception", [_FEATURES], str(checked)).to(place)
        except Exception as error:  # torch.load and load_state_dict have no common base of errors
            reason = " ".join(str(error).split())[:120]
            raise WeightsError(f"{inception}: no Inception weights ({reason}); {REMEDY}") from error
        self._device = place
        official = "" if digest.startswith(OFFICIAL_SHA256) else ": NOT the official file, not comparable with others"
        self.description = f"FID, KID: torch-fidelity, {inception.name} (sha256 {digest[:16]}{official})"

    @classmethod
    def create(cls, options: MetricOptions) -> "Distribution":
        """Return the metric of ``options.inception``.

        Raises:
            ConfigError: If there is none, or torch-fidelity is not installed.
        """
        if options.inception is None:
            raise ConfigError(f"FID, KID: {REMEDY}")
        return cls(options.inception, device=options.device)

    @torch.inference_mode()
    def features(self, images: NDArray[np.uint8]) -> Tensor:
        """Return the features, float32 (B, 2048) on the CPU, of uint8 RGB images (B, H, W, 3)."""
        batch = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).to(self._device)
        # One by one, or a face's last digits could depend on the faces beside it.
        return torch.cat([self._network(face)[0].cpu() for face in torch.split(batch, 1)])

    def distances(self, restored: Tensor, sharp: Tensor, *, seed: int) -> tuple[float, ...]:
        """Return FID, KID and the standard deviation of KID over its subsets; see ``inception_scores``."""
        return astuple(inception_scores(restored, sharp, seed=seed))


def left_out(options: MetricOptions) -> str | None:
    """Return why FID and KID are not measured unless asked for, with the remedy, in one line; None if they are."""
    if options.inception is not None:
        return None
    return f"FID, KID: left out; {'' if _is_installed() else f'{_INSTALL}, then '}{REMEDY}"


def inception_scores(restored: Tensor, sharp: Tensor, *, seed: int) -> InceptionScores:
    """Return FID and KID of two sets of features, each float32 (N, D).

    KID is the mean over 100 random subsets of 1,000 faces, or of all where there are fewer.

    Args:
        restored: Features of one set.
        sharp: Features of the other.
        seed: Seed of the subsets.
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


def _is_installed() -> bool:
    return find_spec("torch_fidelity") is not None
