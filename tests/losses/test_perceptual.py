"""Features by weights from a file."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from snadnet.errors import WeightsError
from snadnet.losses.perceptual import VGG_19, VGG_FACE, FeatureExtractor, feature_error


def drawn_weights(count: int, *, deep: bool = True) -> dict[str, torch.Tensor]:
    layers = (VGG_19 if deep else VGG_FACE).layers(count).to_empty(device="cpu")
    generator = torch.Generator().manual_seed(1)
    return {name: 0.05 * torch.randn(value.shape, generator=generator) for name, value in layers.state_dict().items()}


@pytest.fixture(scope="module")
def vgg19(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As torchvision's file is named, with the classifier that is not needed."""
    path = tmp_path_factory.mktemp("vgg") / "vgg19.pth"
    state = {f"features.{name}": value for name, value in drawn_weights(8).items()}
    torch.save(state | {"classifier.0.weight": torch.zeros(2, 2)}, path)
    return path


def test_equal_pictures_have_equal_features_and_others_learn(vgg19: Path) -> None:
    extractor = FeatureExtractor(VGG_19, [2, 7], vgg19)
    sharp = torch.rand(2, 3, 32, 32)
    assert feature_error(extractor, sharp, sharp).item() == 0.0
    restored = (0.5 * sharp).requires_grad_()
    error = feature_error(extractor, restored, sharp)
    error.backward()
    assert error > 0
    assert restored.grad is not None
    assert restored.grad.abs().max() > 0
    assert not any(parameter.requires_grad for parameter in extractor.parameters())


def test_features_are_of_normalized_pictures_and_before_their_relu(vgg19: Path) -> None:
    extractor = FeatureExtractor(VGG_19, [0, 2], vgg19)
    first, second = extractor(torch.tensor(VGG_19.mean).view(1, 3, 1, 1).expand(1, 3, 8, 8))
    # The mean of the training pictures becomes 0, of which a convolution leaves its bias.
    torch.testing.assert_close(first[0, :, 4, 4], drawn_weights(8)["0.bias"], atol=1e-5, rtol=0)
    assert second.min() < 0


def test_the_authors_names_are_read_too(tmp_path: Path) -> None:
    state = drawn_weights(8, deep=False)
    names = {"0": "conv1_1", "2": "conv1_2", "5": "conv2_1", "7": "conv2_2"}
    theirs = {names[key.partition(".")[0]] + "." + key.partition(".")[2]: value for key, value in state.items()}
    save_file(theirs | {"fc6.weight": torch.zeros(1)}, tmp_path / "face.safetensors")
    extractor = FeatureExtractor(VGG_FACE, [7], tmp_path / "face.safetensors")
    for name, value in extractor.layers.state_dict().items():
        assert value.equal(state[name]), name


def test_what_is_no_such_file_is_named(tmp_path: Path, vgg19: Path) -> None:
    with pytest.raises(WeightsError, match=r"none\.pth: no such file with weights of VGG-19.*vgg19-dcbb9e9d"):
        FeatureExtractor(VGG_19, [2], tmp_path / "none.pth")
    with pytest.raises(WeightsError, match=r"vgg19\.pth: holds no weights of VGG-19.*Missing key"):
        FeatureExtractor(VGG_19, [14], vgg19)
    (tmp_path / "bad.pth").write_bytes(b"no weights")
    with pytest.raises(WeightsError, match="damaged"):
        FeatureExtractor(VGG_19, [2], tmp_path / "bad.pth")
