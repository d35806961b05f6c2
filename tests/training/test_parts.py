"""Settings, schedule, checkpoints, averaging."""

import math
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from torch import nn

from snadnet.errors import ConfigError, WeightsError
from snadnet.training import load_settings
from snadnet.training.checkpoint import Checkpoints
from snadnet.training.config import OptimizerSettings, ScheduleSettings, parse_duration
from snadnet.training.ema import exponential_average
from snadnet.training.learner import Learner, load_optimizer, make_grouped_optimizer
from snadnet.training.lr_schedule import Clock, learning_rate_factor
from snadnet.training.processes import start
from snadnet.training.recipes import RECIPES

CONFIGS = Path(__file__).parents[2] / "configs"


WHOLE = sorted(path for path in CONFIGS.glob("*/*.yaml") if path.parent.name not in ("shared", "reproduce"))


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_config_file_in_the_repository_is_valid(path: Path) -> None:
    settings = load_settings(path)
    assert settings.data.sources
    assert settings.recipe == "parsing" or path.parent.name != "parsing"


def test_there_are_config_files_of_every_family() -> None:
    assert len(WHOLE) >= 24


PAPER = {
    "deblurgan": ["paper"],
    "deblurganv2": ["inception-paper", "mobilenet-paper"],
    "dmphn": ["paper"],
    "mprnet": ["paper"],
    "nafnet": ["paper"],
    "umsn": ["paper"],
}
PAIRS = [(f"{family}/{name}", f"{family}/{name}-hq") for family, names in PAPER.items() for name in names]
PAIRS.append(("snadnet/celeba", "snadnet/celeba-hq"))


@pytest.mark.parametrize(("celeba", "celeba_hq"), PAIRS)
def test_every_method_has_both_protocols_of_the_paper(celeba: str, celeba_hq: str) -> None:
    first, second = (load_settings(CONFIGS / f"{name}.yaml") for name in (celeba, celeba_hq))
    for settings, protocol, size in ((first, "celeba", 160), (second, "celeba-hq", 256)):
        RECIPES[settings.recipe].check_model(settings)
        assert settings.validation.protocols == [protocol]
        assert [entry.size for entry in settings.data.sizes] == [size]
    trajectory, linear = first.data.degradation, second.data.degradation
    assert (trajectory.trajectory_share, trajectory.smallest, trajectory.largest) == (1, 13, 29)
    assert (trajectory.linear_share, trajectory.noise) == (0, (0.03, 0.03))
    assert (linear.linear_share, linear.linear_length, linear.linear_angle) == (1, 25, 45)
    assert (linear.trajectory_share, linear.noise) == (0, (0, 0))
    # But for the protocol they are one method's.
    assert first.model == second.model
    assert first.optimizer == second.optimizer
    assert first.data.sizes[0].batch_size == second.data.sizes[0].batch_size


@pytest.mark.parametrize(("text", "seconds"), [("90m", 5400), ("3h", 10800), ("45s", 45), ("2d", 172800), (7, 7)])
def test_durations(text: str | float, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "-3h", "0", "soon", "1h30m", "nan", "inf"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


def write_config(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text)
    return path


MINIMAL = "model: bisenet-small\ndata: {sources: [{images: faces, hold_out: 2}]}\nschedule: {steps: 10}\n"


SNADNET = MINIMAL.replace("bisenet-small", "snadnet-small") + "parser: parser.safetensors\n"


def test_overrides_reach_into_mappings_and_lists(tmp_path: Path) -> None:
    overrides = ["optimizer.learning_rate=1e-4", "data.sources.0.hold_out=5", "schedule.steps=null"]
    settings = load_settings(write_config(tmp_path, MINIMAL), [*overrides, "schedule.time_budget=90m"])
    assert settings.optimizer.learning_rate == 1e-4
    assert settings.data.sources[0].hold_out == 5
    assert (settings.schedule.steps, settings.schedule.time_budget) == (None, 5400)


def test_a_plain_no_is_a_precision(tmp_path: Path) -> None:
    """YAML reads an unquoted no as false."""
    settings = load_settings(write_config(tmp_path, MINIMAL), ["precision=no"])
    assert settings.precision == "no"


def test_each_training_of_a_process_has_its_own_precision(tmp_path: Path) -> None:
    for precision in ("no", "bf16", "no"):
        settings = load_settings(write_config(tmp_path, MINIMAL), [f"precision={precision}"])
        assert start(settings, "cpu").mixed_precision == precision


@pytest.mark.parametrize(
    ("text", "overrides", "message"),
    [
        ("model: [", [], "not valid YAML"),
        ("just text", [], "holds no settings"),
        (MINIMAL + "colour: red\n", [], "colour"),
        (MINIMAL, ["optimizer.learning_rate=-1"], "optimizer.learning_rate"),
        (MINIMAL, ["schedule.steps=null"], "never end"),
        (MINIMAL, ["seed"], "key=value"),
        (MINIMAL, ["model.name=3"], "no such setting"),
        (MINIMAL, ["data.sources.7.hold_out=1"], "no such setting"),
        (MINIMAL, ["validation.protocols=[gopro]"], "gopro"),
        (MINIMAL, ["schedule.time_budget=soon"], "not a duration"),
        (MINIMAL, ["teacher=weights.safetensors"], "teacher: is now called label_parser"),
        (SNADNET, ["second_look.kernel=1"], "second_look: is now called refinement_pass"),
        (SNADNET, ["losses={gloss: 1}"], "losses.gloss: there is no such term; choose of: reconstruction, "),
        (SNADNET, ["losses={texture: -1}"], "losses.texture: must be a finite number"),
    ],
)
def test_a_bad_setting_is_named(tmp_path: Path, text: str, overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_settings(write_config(tmp_path, text), overrides)


def test_a_missing_config_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
        load_settings(tmp_path / "none.yaml", [])


def factor(clock: Clock) -> float:
    return learning_rate_factor(clock.settings, clock.step, clock.progress())


def test_a_training_may_end_by_the_faces_it_has_seen() -> None:
    clock = Clock(ScheduleSettings(faces=40, warmup=0), step=3, faces=30)
    assert clock.progress() == 0.75
    assert Clock(ScheduleSettings(faces=40, steps=4, warmup=0), step=4, faces=30).progress() == 1.0


def test_learning_rate_warms_up_and_falls_to_its_floor() -> None:
    clock = Clock(ScheduleSettings(steps=100, warmup=10, floor=0.1))
    assert factor(clock) == pytest.approx(0.1)  # a tenth of the warm-up
    clock.step = 50
    assert factor(clock) == pytest.approx(0.1 + 0.9 * 0.5)
    clock.step = 100
    assert factor(clock) == pytest.approx(0.1)
    assert clock.progress() == 1.0


@pytest.mark.parametrize(
    ("decay", "expected"),
    [
        ({"decay": "linear", "hold": 0.5}, {0: 1.0, 50: 1.0, 75: 0.5, 100: 0.0}),
        ({"decay": "linear", "hold": 0.5, "floor": 0.2}, {50: 1.0, 75: 0.6, 100: 0.2}),
        ({"decay": "plateaus", "plateaus": 4, "factor": 0.1}, {24: 1.0, 25: 0.1, 50: 0.01, 99: 0.001, 100: 0.001}),
        ({"decay": "cosine", "hold": 0.2}, {20: 1.0, 60: 0.5, 100: 0.0}),
    ],
)
def test_the_originals_schedules(decay: dict[str, object], expected: dict[int, float]) -> None:
    settings = ScheduleSettings.model_validate({"steps": 100, "warmup": 0, "floor": 0.0, **decay})
    found = {step: factor(Clock(settings, step=step)) for step in expected}
    assert found == pytest.approx(expected)


def test_a_time_budget_counts_earlier_starts_of_the_run() -> None:
    clock = Clock(ScheduleSettings(time_budget=100, warmup=0), elapsed=50.0)  # type: ignore[arg-type]
    assert clock.progress() == pytest.approx(0.5, abs=0.01)
    assert factor(clock) == pytest.approx(0.01 + 0.99 * 0.5, abs=0.02)


def test_a_paused_clock_counts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    clock = Clock(ScheduleSettings(time_budget=100, warmup=0), elapsed=5.0)  # type: ignore[arg-type]
    now = 110.0
    with clock.paused():
        now = 170.0
    now = 171.0
    assert clock.seconds() == 16.0


def test_the_first_end_counts() -> None:
    settings = ScheduleSettings(steps=10, time_budget=1e6, warmup=0)  # type: ignore[arg-type]
    assert Clock(settings, step=10).progress() == 1.0


def test_checkpoints_keep_the_last_two(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "c")
    assert checkpoints.load_latest() is None
    for step in (1, 2, 30):
        checkpoints.save(step, {"step": step, "weights": torch.full((3,), float(step))})
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == ["step-000000002.pt", "step-000000030.pt"]
    state = checkpoints.load_latest()
    assert state is not None
    assert state["weights"].tolist() == [30.0, 30.0, 30.0]


def test_a_damaged_checkpoint_is_passed_over_and_remains_are_removed(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(1, {"step": 1})
    newest = checkpoints.save(2, {"step": 2, "weights": torch.zeros(1000)})
    newest.write_bytes(newest.read_bytes()[:700])
    (tmp_path / ".step-000000003.pt-abc.tmp").write_bytes(b"half a write")
    state = checkpoints.load_latest()
    assert state == {"step": 1}
    assert not list(tmp_path.glob(".step*"))


def test_a_checkpoint_cannot_run_code(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "ran",))  # type: ignore[return-value]

    torch.save({"step": Trap()}, tmp_path / "step-000000001.pt")
    with pytest.raises(WeightsError, match="no checkpoint in it can be read"):
        Checkpoints(tmp_path).load_latest()
    assert not (tmp_path / "ran").exists()


def test_parts_of_a_network_keep_their_shares_of_the_learning_rate_and_their_moments() -> None:
    torch.manual_seed(0)
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    second.bias.requires_grad_(False)
    settings = OptimizerSettings(kind="adamw", learning_rate=0.5)

    def learner(share: float) -> Learner:
        optimizer = make_grouped_optimizer({first: 1, second: share}, settings)
        return Learner(nn.Sequential(first, second), optimizer, settings, Accelerator(cpu=True))

    before = learner(0.25)
    assert before.set_learning_rate(0.1) == pytest.approx(0.05)
    assert [group["lr"] for group in before.optimizer.param_groups] == pytest.approx([0.05, 0.0125])
    assert [len(group["params"]) for group in before.optimizer.param_groups] == [2, 1]
    before.step_down(before.network(torch.ones(1, 2)).sum())
    # A run that goes on with another share keeps its moments.
    after = learner(0.75)
    load_optimizer(after.optimizer, before.optimizer.state_dict(), "optimizer")
    after.set_learning_rate(1.0)
    assert [group["lr"] for group in after.optimizer.param_groups] == pytest.approx([0.5, 0.375])
    assert len(after.optimizer.state_dict()["state"]) == 3


def test_the_average_follows_by_its_warmed_up_decay() -> None:
    network = nn.Linear(1, 1, bias=False)
    network.weight.data.fill_(0.0)
    average = exponential_average(network, 0.5)
    expected = None
    for count, value in enumerate((1.0, 3.0, 5.0, 7.0)):
        network.weight.data.fill_(value)
        average.update_parameters(network)
        decay = min(0.5, (1 + count) / (10 + count))
        expected = value if expected is None else decay * expected + (1 - decay) * value
    assert expected is not None
    assert math.isclose(average.module.weight.item(), expected, rel_tol=1e-6)
