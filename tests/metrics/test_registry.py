"""The registry of metrics: which are made, which are left out with a line, and which are refused."""

import pytest

from snadnet.errors import ConfigError, WeightsError
from snadnet.metrics import registry
from snadnet.metrics.base import MetricOptions, averaged
from snadnet.metrics.identity import IDENTITY
from snadnet.metrics.registry import METRICS, MetricEntry, create_metrics


def test_metrics_without_their_files_are_left_out_with_a_line_unless_named(tmp_path):
    metrics, left_out = create_metrics(None, MetricOptions())
    keys = [measure.key for metric in metrics for measure in metric.measures]
    assert keys[:6] == ["psnr", "ssim", "l1_percent", "mean_iou", "landmark_error_percent", "found"]
    assert IDENTITY.key not in keys
    assert [line.partition(":")[0] for line in left_out] == ["identity", "FID, KID"]
    for name in ("identity", "distribution"):
        with pytest.raises(ConfigError, match=r"--embedding|--inception"):
            create_metrics([name], MetricOptions())
    with pytest.raises(WeightsError, match="no such embedding"):
        create_metrics(None, MetricOptions(embedding=tmp_path / "missing.onnx"))


def test_fidelity_is_always_measured_and_the_order_is_that_of_the_registry():
    metrics, left_out = create_metrics(["landmarks"], MetricOptions())
    assert [metric.measures[0].key for metric in metrics] == ["psnr", "landmark_error_percent"]
    assert left_out == []
    with pytest.raises(ConfigError, match="there is no metric 'lpips'; choose of: fidelity, parsing"):
        create_metrics(["lpips"], MetricOptions())


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
