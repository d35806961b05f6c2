"""The figures of a table: means over seeds, and which rows can be told apart."""

from pathlib import Path

import numpy as np
import pytest

from snadnet.evaluation.runner import Evaluation, MethodScores
from snadnet.evaluation.statistics import Resampling
from snadnet.evaluation.test_set import FaceTestSet
from snadnet.experiments.budget import Budget
from snadnet.experiments.definition import Row
from snadnet.experiments.plan import PlannedRow, PlannedRun
from snadnet.experiments.results import Results, collect_results
from snadnet.experiments.run_record import Spent
from snadnet.metrics.fidelity import L1, PSNR, SSIM
from snadnet.training.recipes import recipe_settings

FACES = 40
SETTINGS = recipe_settings(
    {
        "recipe": "regression",
        "model": "mprnet-tiny",
        "losses": {"l1": 1},
        "schedule": {"steps": 1},
        "data": {"sources": [{"images": "faces", "hold_out": 1}]},
    },
    Path("row.yaml"),
)


def results_of(psnr: dict[str, list[float]], noise: float = 1.0) -> Results:
    """The results of rows whose seeds have these gains over the blurred input's 20 dB, give or take a noise."""
    rng = np.random.default_rng(0)
    faces = 20 + rng.standard_normal(FACES)
    rows, methods, spent = [], [scores("blurred input", faces)], {}
    for name, gains in psnr.items():
        runs = []
        for seed, gain in enumerate(gains):
            run = PlannedRun(f"{name}-seed{seed}", Path(name), SETTINGS, Budget(faces=1))
            methods.append(scores(run.name, faces + gain + noise * rng.standard_normal(FACES)))
            spent[run.name] = Spent(10 + seed, 20, 60.0)
            runs.append(run)
        rows.append(PlannedRow(name, Row(title=name.upper(), config=Path("row.yaml")), tuple(runs)))
    test_set = FaceTestSet(
        "set", "celeba", "", tuple(map(str, range(FACES))), None, False, True, lambda _: pytest.fail()
    )
    evaluation = Evaluation(test_set, (PSNR, SSIM, L1), (), tuple(methods), 0)
    return collect_results(evaluation, rows, spent, {"a": 0.5}, Resampling(count=50))


def scores(name: str, psnr: np.ndarray) -> MethodScores:
    return MethodScores(name, "", (psnr, np.full(FACES, 0.5), np.full(FACES, 4.0)))


def test_a_row_of_several_seeds_has_the_mean_of_each_face() -> None:
    results = results_of({"a": [1.0, 3.0]}, noise=0.0)
    row = results.row("a")
    assert row is not None
    assert row.figures.gain is not None
    assert row.figures.gain.value == pytest.approx(2.0)
    assert row.psnr_by_seed[1] - row.psnr_by_seed[0] == pytest.approx(2.0)
    assert [each.steps for each in row.spent] == [10, 11]
    assert row.complexity.parameters == pytest.approx(36_000, rel=0.05)
    assert row.seconds_a_face == 0.5
    assert results.pairs == ()


def test_rows_are_told_apart_by_the_faces() -> None:
    results = results_of({"a": [3.0], "b": [1.0], "c": [1.0]})
    for other in "bc":
        pair = results.pair("a", other)
        assert pair is not None
        assert pair.differ
        assert pair.better_than("a", other)
        assert not pair.better_than(other, "a")
    alike = results.pair("c", "b")
    assert alike is not None
    assert not alike.differ
    assert not alike.better_than("b", "c")
    # Three tests: none may pass by its own p alone.
    assert all(pair.adjusted_p >= pair.comparison.p_value for pair in results.pairs)


def test_seeds_whose_ranges_overlap_tell_rows_not_apart() -> None:
    results = results_of({"a": [2.0, 4.0], "b": [1.0, 2.5], "c": [0.0, 0.5]}, noise=0.1)
    overlapping, apart = results.pair("a", "b"), results.pair("a", "c")
    assert overlapping is not None
    assert apart is not None
    assert overlapping.adjusted_p < 0.01
    assert overlapping.seeds_overlap
    assert not overlapping.differ
    assert apart.better_than("a", "c")


def test_a_single_seed_within_the_range_of_others_tells_nothing_apart() -> None:
    pair = results_of({"a": [2.0, 4.0], "b": [2.5]}, noise=0.01).pair("a", "b")
    assert pair is not None
    assert pair.seeds_overlap
    assert not pair.differ


def test_a_row_without_a_trained_seed_is_left_out() -> None:
    results = results_of({"a": [1.0], "b": []})
    assert [row.planned.name for row in results.rows] == ["a"]
    assert results.row("b") is None
    assert results.pair("a", "b") is None
