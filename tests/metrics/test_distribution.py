"""FID and KID: what is left out without torch-fidelity and its weights, and what they are with them."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch_fidelity
from PIL import Image
from torch_fidelity import feature_extractor_inceptionv3 as module

from snadnet.errors import ConfigError, WeightsError
from snadnet.metrics import distribution
from snadnet.metrics.base import MetricOptions
from snadnet.metrics.distribution import Distribution, inception_scores, left_out


def test_what_is_missing_is_said_with_the_remedy(monkeypatch, tmp_path):
    given = MetricOptions(inception=tmp_path / "weights.pth")
    monkeypatch.setattr(distribution, "find_spec", lambda _: None)
    assert "pip install 'snadnet[fid]', then fetch" in left_out(MetricOptions())
    # Weights that were given are never left out with a line: without the package they are an error.
    assert left_out(given) is None
    with pytest.raises(ConfigError, match=r"pip install 'snadnet\[fid\]'"):
        Distribution.create(given)
    monkeypatch.setattr(distribution, "find_spec", lambda _: "there")
    assert "--inception" in left_out(MetricOptions())
    assert "pip" not in left_out(MetricOptions())
    with pytest.raises(ConfigError, match="--inception"):
        Distribution.create(MetricOptions())


def test_the_distance_of_known_gaussians():
    generator = np.random.default_rng(0)
    # Whitened, so that mean and covariance are exact: N(0, I) and N(m, S) with the diagonal S.
    plain = generator.normal(size=(300, 3))
    plain -= plain.mean(axis=0)
    plain = plain @ np.linalg.inv(np.linalg.cholesky(np.cov(plain.T))).T
    shift, deviations = np.array([1.0, -2.0, 0.5]), np.array([1.0, 2.0, 3.0])
    scores = inception_scores(torch.tensor(plain * deviations + shift), torch.tensor(plain), seed=0)
    # |m|^2 + tr(S + I - 2 S^(1/2)), here the sum of (deviation - 1)^2
    assert scores.fid == pytest.approx((shift**2).sum() + ((deviations - 1) ** 2).sum(), rel=1e-6)
    assert scores.kid > 10 * scores.kid_deviation
    same = inception_scores(torch.tensor(plain), torch.tensor(plain), seed=0)
    assert same.fid == pytest.approx(0, abs=1e-6)
    assert inception_scores(torch.tensor(plain), torch.tensor(plain), seed=0) == same
    assert np.isnan(inception_scores(torch.zeros(1, 3), torch.zeros(1, 3), seed=0).fid)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Untrained Inception weights in a file: the official ones may not be at hand, and agreement needs none."""
    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "load_state_dict_from_url", lambda *_, **__: {})
        patched.setattr(module.FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        network = module.FeatureExtractorInceptionV3("untrained", ["2048"], verbose=False)
    path = tmp_path_factory.mktemp("inception") / "untrained.pth"
    torch.save(network.state_dict(), path)
    return path


def test_scores_agree_with_torch_fidelity_itself(weights, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 64, 64, 3), np.uint8)
    for folder, batch in zip(("restored", "sharp"), images, strict=True):
        (tmp_path / folder).mkdir()
        for number, image in enumerate(batch):
            Image.fromarray(image).save(tmp_path / folder / f"{number}.png")
    theirs = torch_fidelity.calculate_metrics(
        input1=str(tmp_path / "restored"),
        input2=str(tmp_path / "sharp"),
        fid=True,
        kid=True,
        kid_subset_size=4,
        feature_extractor_weights_path=str(weights),
        cuda=False,
        cache=False,
        save_cpu_ram=True,
        rng_seed=7,
        verbose=False,
    )
    metric = Distribution(weights, device="cpu")
    assert "NOT the official file" in metric.description
    ours = inception_scores(*(metric.features(batch) for batch in images), seed=7)
    assert ours.fid == pytest.approx(theirs["frechet_inception_distance"], rel=1e-3)
    assert ours.kid == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-3, abs=1e-6)
    # Whatever the batch
    assert torch.equal(metric.features(images[0])[1:2], metric.features(images[0][1:2]))


def test_a_file_that_could_run_code_or_is_no_network_is_refused(tmp_path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"trap": Trap()}, tmp_path / "trap.pth")
    with pytest.raises(WeightsError, match=r"trap.pth: no Inception weights"):
        Distribution(tmp_path / "trap.pth", device="cpu")
    assert not (tmp_path / "ran").exists()
    torch.save({}, tmp_path / "empty.pth")
    for name in ("empty.pth", "nowhere.pth"):
        with pytest.raises(WeightsError, match=rf"{name}: no Inception weights .* fetch"):
            Distribution(tmp_path / name, device="cpu")
