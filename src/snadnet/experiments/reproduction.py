"""A table of the paper, made again: all rows trained under one budget, scored on one frozen test set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from snadnet.concurrency import StoppedError, StopSignal, default_workers, in_order
from snadnet.data.image_folder import check_names, list_faces
from snadnet.data.protocols import PROTOCOLS
from snadnet.data.test_sets import MANIFEST, freeze_face, write_manifest
from snadnet.errors import TrainingError
from snadnet.evaluation import MetricOptions, Resampling, evaluate, find_test_set
from snadnet.experiments.definition import EvaluationFaces
from snadnet.experiments.plan import Plan, PlannedRow
from snadnet.experiments.report import TableReport
from snadnet.experiments.results import collect_results
from snadnet.experiments.training_runs import RowDisplay, TrainedRuns, train_all
from snadnet.profiling.benchmark import BenchmarkOptions, find_networks, measure_costs

_TEST_SETS: Final = "test-sets"


@dataclass(frozen=True)
class ReproduceOptions:
    """How a table is scored.

    Attributes:
        metrics: Names of metrics, as for `snadnet.evaluation.evaluate`; None for all whose files are given.
        metric_options: The networks that metrics use, and the device of everything.
        resampling: The bootstrap of the intervals.
        timed_runs: Runs of each network, by which its seconds a face are measured; 0 leaves them out.
    """

    metrics: Sequence[str] | None = None
    metric_options: MetricOptions = field(default_factory=MetricOptions)
    resampling: Resampling = field(default_factory=Resampling)
    timed_runs: int = 5


def reproduce(
    plan: Plan,
    options: ReproduceOptions,
    display: RowDisplay,
    *,
    stop: StopSignal,
    header: Sequence[str] = (),
    advance: Callable[[int], None] = lambda _: None,
) -> TableReport:
    """Train what is not trained yet, score all of it, and report; the same call goes on where an earlier one ended.

    Args:
        plan: The table.
        options: How it is scored.
        display: Shown the trainings.
        stop: Once it is requested, the present training ends in good order, and no other begins.
        header: Lines for the report to begin with.
        advance: Called while faces are scored, with their number.

    Raises:
        StoppedError: If a stop was requested before the table was finished.
        TrainingError: If no row could be trained.
        SnadnetError: If the test faces cannot be read or scored.
    """
    test_faces = freeze_once(plan.definition.test, plan.folder.parent / _TEST_SETS, stop)
    trained = train_all(plan, device=options.metric_options.device, display=display, stop=stop)
    if trained.stopped:
        raise StoppedError
    runs = [run for row in plan.rows for run in row.runs if run.name in trained.spent]
    if not runs:
        name, reason = next(iter(trained.failures.items()))
        raise TrainingError(f"no row could be trained; {name}: {reason}")

    def scored(count: int) -> None:
        stop.check()
        advance(count)

    test_set = find_test_set(str(test_faces))
    evaluation = evaluate(
        [f"{run.name}={run.weights}" for run in runs],
        test_set,
        options.metrics,
        options=options.metric_options,
        resampling=Resampling(count=0, seed=options.resampling.seed),
        advance=scored,
    ).summary.evaluation
    seconds = _seconds_a_face(plan.rows, trained, options, PROTOCOLS[plan.definition.test.protocol].size)
    results = collect_results(evaluation, plan.rows, trained.spent, seconds, options.resampling)
    notes = (*evaluation.notes, *([str(options.resampling)] if options.resampling.count else []))
    return TableReport(plan, test_set, evaluation.measures, results, trained.failures, notes, header)


def freeze_once(test: EvaluationFaces, folder: Path, stop: StopSignal) -> Path:
    """Write the test set of a table, unless it is written, and return its folder.

    Args:
        test: Its faces.
        folder: Where test sets are kept.
        stop: Ends the writing after the face that is being written.

    Raises:
        DataError: If a face cannot be read.
        StoppedError: If a stop was requested.
    """
    protocol = PROTOCOLS[test.protocol]
    faces = list_faces(test.images, test.labels)[-test.last if test.last else 0 :]
    check_names([face.image for face in faces])
    # By the folders' names too: each set of faces has one place, whichever table asks for it.
    name = "-".join((test.protocol, *test.images.parts[-2:], str(len(faces)))).replace("/", "")
    place = folder / name
    if not (place / MANIFEST).exists():
        frozen = in_order(
            lambda number: freeze_face(faces[number], number, protocol, place),
            range(len(faces)),
            workers=default_workers(),
            stop=stop,
        )
        written = list(frozen)
        stop.check()
        write_manifest(place, protocol, written)
    return place


def _seconds_a_face(
    rows: Sequence[PlannedRow], trained: TrainedRuns, options: ReproduceOptions, size: int
) -> dict[str, float]:
    """Time the first trained seed of each row on one CPU thread; what cannot be timed is left out."""
    if not options.timed_runs:
        return {}
    chosen = {row.name: run for row in rows for run in reversed(row.runs) if run.name in trained.spent}
    networks = find_networks([str(run.weights) for run in chosen.values()])
    costs = measure_costs(networks, BenchmarkOptions(size=size, runs=options.timed_runs, threads=1))
    return {
        name: median(cost.measurement.seconds)
        for name, cost in zip(chosen, costs, strict=True)
        if cost.measurement is not None
    }
