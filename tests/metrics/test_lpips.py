"""LPIPS on an AlexNet of random weights: what is checked needs no trained ones."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.image import lpips as reference
from torchvision.models import alexnet

from snadnet.errors import ConfigError, WeightsError
from snadnet.metrics.base import MetricOptions, ScoredFace
from snadnet.metrics.lpips import LPIPS, left_out


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("lpips") / "alexnet.pth"
    # Without the layers that LPIPS does not use, which are most of the file.
    torch.save({name: value for name, value in alexnet().state_dict().items() if "classifier" not in name}, path)
    return path


def test_it_is_torchmetrics_on_the_given_weights(weights, portrait, monkeypatch):
    metric = LPIPS(weights, device="cpu")
    read = metric.prepare([ScoredFace("a", portrait, portrait, None)])
    same, other = float(read(portrait[None])[0][0]), float(read(255 - portrait[None])[0][0])
    assert same == 0
    backbone = torch.nn.Sequential(*alexnet().features)
    backbone.load_state_dict({name.removeprefix("features."): value for name, value in torch.load(weights).items()})
    monkeypatch.setattr(reference, "_get_tv_model_features", lambda *_: backbone)
    images = [torch.from_numpy(np.moveaxis(each, -1, 0)[None].copy()) / 255 for each in (255 - portrait, portrait)]
    theirs = reference.learned_perceptual_image_patch_similarity(*images, net_type="alex", normalize=True)
    assert other == pytest.approx(float(theirs), rel=1e-4)
    assert other > 0


def test_a_file_that_is_missing_or_of_another_network_is_refused(tmp_path):
    assert "LPIPS: left out; fetch alexnet" in left_out(MetricOptions())
    with pytest.raises(ConfigError, match="--lpips"):
        LPIPS.create(MetricOptions())
    with pytest.raises(WeightsError, match=r"nowhere.pth: no such file .* --lpips"):
        LPIPS.create(MetricOptions(lpips=tmp_path / "nowhere.pth"))
    torch.save({"features.0.weight": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=r"other.pth: holds no weights of AlexNet .* fetch"):
        LPIPS(tmp_path / "other.pth", device="cpu")
