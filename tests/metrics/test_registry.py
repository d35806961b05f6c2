"""The registry of metrics: which are made, which are left out with a line, and which are refused."""

import pytest

from snadnet.errors import ConfigError, WeightsError
from snadnet.metrics import identity, kernel_distance, registry
from snadnet.metrics.base import MetricOptions, SetMetric, averaged
from snadnet.metrics.registry import METRICS, MetricEntry, create_metrics


def keys_of(metrics):
    return [
        measure.key
        for metric in metrics
        for measure in (metric.set_measures if isinstance(metric, SetMetric) else metric.measures)
    ]


def test_metrics_without_their_files_are_left_out_with_a_line_unless_named(tmp_path, monkeypatch):
    metrics, left_out = create_metrics(None, MetricOptions())
    keys = keys_of(metrics)
    assert keys[:5] == ["psnr", "ssim", "l1_percent", "mean_iou", "identity_distance"]
    assert keys[-3:] == ["landmark_error_percent", "found", "efficientnet_kernel_distance"]
    assert [line.partition(":")[0] for line in left_out] == ["LPIPS", "FID, KID"]
    for name in ("lpips", "distribution"):
        with pytest.raises(ConfigError, match=r"--lpips|--inception"):
            create_metrics([name], MetricOptions())
    for module in (identity, kernel_distance):
        monkeypatch.setattr(module, "find_spec", lambda _: None)
    metrics, left_out = create_metrics(None, MetricOptions())
    assert keys_of(metrics) == ["psnr", "ssim", "l1_percent", "mean_iou", "landmark_error_percent", "found"]
    assert [line.partition(":")[0] for line in left_out] == [
        "identity",
        "LPIPS",
        "FID, KID",
        "EfficientNet kernel distance",
    ]
    for name in ("identity", "kernel-distance"):
        with pytest.raises(ConfigError, match="pip install"):
            create_metrics([name], MetricOptions())
    with pytest.raises(WeightsError, match="no such embedding"):
        create_metrics(None, MetricOptions(embedding=tmp_path / "missing.onnx"))


def test_fidelity_is_always_measured_and_the_order_is_that_of_the_registry():
    metrics, left_out = create_metrics(["landmarks"], MetricOptions())
    assert [metric.measures[0].key for metric in metrics] == ["psnr", "landmark_error_percent"]
    assert left_out == []
    with pytest.raises(ConfigError, match="there is no metric 'vmaf'; choose of: fidelity, parsing"):
        create_metrics(["vmaf"], MetricOptions())


def test_a_metric_is_added_by_its_line(monkeypatch):
    class Brightness:
        measures = (averaged("brightness", "brightness", 2, higher_is_better=True),)
        description = "brightness: mean of the restored face"

        def prepare(self, faces):
            del faces
            return lambda restored: (restored.mean(axis=(1, 2, 3)),)

    monkeypatch.setattr(registry, "METRICS", {**METRICS, "brightness": MetricEntry(lambda _: Brightness())})
    metrics, _ = create_metrics(["brightness"], MetricOptions())
    assert metrics[1].measures[0].key == "brightness"
