"""Evaluation in one call: methods, a test set and metrics in, a report out."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from snadnet.errors import ConfigError
from snadnet.evaluation.breakdown import find_breakdowns
from snadnet.evaluation.methods import BLURRED, Method, RestoreImages, find_method, refuse_twins
from snadnet.evaluation.report.report import Report
from snadnet.evaluation.report.summary import summarize
from snadnet.evaluation.runner import score
from snadnet.evaluation.statistics import Resampling
from snadnet.evaluation.test_set import FaceTestSet, find_test_set
from snadnet.faces.defaults import Light
from snadnet.metrics.base import Metric, MetricOptions, SetMetric
from snadnet.metrics.fidelity import Fidelity
from snadnet.metrics.registry import create_metrics

Metrics = Sequence[str | Metric | SetMetric]


def evaluate(
    methods: Sequence[str | Path | Method | RestoreImages],
    test_set: str | Path | FaceTestSet,
    metrics: Metrics | None = None,
    *,
    options: MetricOptions = MetricOptions(),  # noqa: B008 (frozen)
    by: Sequence[str] = (),
    resampling: Resampling = Resampling(),  # noqa: B008 (frozen)
    batch_size: int = 8,
    effort: int = 1,
    light: str = Light.SRGB,
    header: Sequence[str] = (),
    paper: bool = False,
    advance: Callable[[int], None] = lambda _: None,
) -> Report:
    """Restore every face of a test set by every method, and score the results beside the blurred input itself.

    Everything that is named is opened before the first face is restored.

    Args:
        methods: Names and files that ``snadnet.inference.load_model`` takes, folders of restored images named as
            the faces, ``"blurred"``, each with ``NAME=`` before it for another name in tables; functions from blurred
            to restored images, uint8 RGB (B, H, W, 3); or ``Method``. The first is compared with the others.
        test_set: A folder that ``snadnet freeze`` wrote, ``"PROTOCOL:FOLDER"``, or a test set of
            ``find_test_set``.
        metrics: Names of ``snadnet.metrics.registry.METRICS`` or metrics of one's own; fidelity (PSNR, SSIM, L1) is
            always measured. None for all whose files ``options`` gives and whose packages are installed, with a note
            about each that is left out.
        options: The networks that metrics use, and the device of all networks.
        by: Breakdowns to add: ``kernel``, ``brightness``, ``glasses``, ``hat``, ``mouth``.
        resampling: The bootstrap of the intervals; its seed is KID's too.
        batch_size: Faces at a time; no score depends on it.
        effort: How often networks are run for a face, see `snadnet.inference.load_model`.
        light: What networks take the blur for, see `snadnet.inference.with_light`.
        header: Lines for the report to begin with.
        paper: Put the paper's own figures beside ours, marked as such.
        advance: Called after each batch with its number of faces.

    Raises:
        ConfigError: If a name is unknown, two methods have one name, or a metric that is named lacks its file.
        DataError: If the test set cannot be used, or a face cannot be read.
        WeightsError: If a file of weights is missing, damaged or of another kind.
        ModelError: If a method is a face parser, or the device is not there.
        ValueError: If a method returns another shape than it was given.

    Example:
        >>> report = evaluate(["snadnet-small", "results/other-tool"], "testsets/celeba")  # doctest: +SKIP
        >>> print(report.to_markdown())  # doctest: +SKIP
    """
    if not isinstance(test_set, FaceTestSet):
        test_set = find_test_set(str(test_set))
    options = replace(options, labelled=test_set.labelled)
    breakdowns = find_breakdowns(by, test_set)
    chosen_metrics, left_out = _make_metrics(metrics, options)
    chosen = [
        find_method(each, test_set, device=options.device, effort=effort, light=light)
        for each in methods
        if each != BLURRED
    ]
    refuse_twins(chosen)
    evaluation = score(
        chosen,
        test_set,
        chosen_metrics,
        breakdowns=breakdowns,
        batch_size=batch_size,
        seed=resampling.seed,
        advance=advance,
    )
    evaluation = replace(evaluation, notes=(*evaluation.notes, *left_out))
    return Report(summarize(evaluation, resampling), header, paper)


def _make_metrics(metrics: Metrics | None, options: MetricOptions) -> tuple[list[Metric | SetMetric], list[str]]:
    """Return the metrics, those that were named first, and a note about each that is left out."""
    if metrics is None:
        return create_metrics(None, options)
    own = [metric for metric in metrics if not isinstance(metric, str)]
    # Fidelity is among the named ones whatever they are.
    own = [metric for metric in own if not isinstance(metric, Fidelity)]
    named, _ = create_metrics([metric for metric in metrics if isinstance(metric, str)], options)
    keys = [
        measure.key
        for each in (*named, *own)
        for measure in (each.set_measures if isinstance(each, SetMetric) else each.measures)
    ]
    twins = [key for key in keys if keys.count(key) > 1]
    if twins:
        raise ConfigError(f"two metrics measure {twins[0]!r}; leave one out")
    return [*named, *own], []
