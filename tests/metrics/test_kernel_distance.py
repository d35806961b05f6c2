"""The kernel distance of EfficientNet features."""

import numpy as np
import pytest
import torch

from snadnet.errors import ConfigError
from snadnet.metrics import kernel_distance as module
from snadnet.metrics.base import MetricOptions
from snadnet.metrics.kernel_distance import EfficientNetKernelDistance, kernel_distance, left_out


def test_the_distance_of_two_tiny_sets():
    # Of one number each, so that the kernel is (xy + 1)^3: 1 and 8 between 0 and 1, 1 and 2; 27 between 1 and 2.
    first, second = torch.tensor([[0.0], [1.0]]), torch.tensor([[1.0], [2.0]])
    # Within: k(0, 1) = 1; k(1, 2) = 27. Between: k(0, 1) = k(0, 2) = 1, k(1, 1) = 8, k(1, 2) = 27, on average 37/4.
    assert kernel_distance(first, second) == pytest.approx(1 + 27 - 2 * 37 / 4)
    # Of two numbers: k((1, 1), (1, 1)) = 8, and 1 with the origin.
    same = torch.tensor([[1.0, 1.0], [1.0, 1.0]])
    assert kernel_distance(same, torch.zeros(3, 2)) == pytest.approx(8 + 1 - 2 * 1)
    assert np.isnan(kernel_distance(first, second[:1]))


def test_equal_sets_are_at_a_distance_below_zero_and_parts_change_nothing(monkeypatch):
    points = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
    others = points + 3
    whole = kernel_distance(points, points), kernel_distance(points, others)
    assert whole[0] < 0 < whole[1]
    monkeypatch.setattr(module, "_ROWS", 2)
    assert (kernel_distance(points, points), kernel_distance(points, others)) == pytest.approx(whole)


def test_features_of_a_face_do_not_depend_on_the_faces_beside_it(portrait):
    metric = EfficientNetKernelDistance(device="cpu")
    faces = np.stack([portrait, portrait[::-1]])
    features = metric.features(faces)
    assert features.shape == (2, 1280)
    assert torch.equal(metric.features(faces[1:]), features[1:])
    assert metric.distances(features, features, seed=0) == (pytest.approx(kernel_distance(features, features)),)
    assert "neither FID nor KID" in metric.description
    assert "57934424.pth (sha256 579344248a93e230" in metric.description


def test_without_its_packages_it_is_left_out_with_a_line_or_refused_by_name(monkeypatch):
    assert left_out(MetricOptions()) is None
    monkeypatch.setattr(module, "find_package_file", lambda *_: None)
    assert "pip install 'snadnet[kernel-distance]'" in left_out(MetricOptions())
    with pytest.raises(ConfigError, match=r"pip install 'snadnet\[kernel-distance\]'"):
        EfficientNetKernelDistance.create(MetricOptions())
