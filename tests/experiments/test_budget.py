"""Budgets of a table's rows."""

import pytest

from snadnet.errors import ConfigError
from snadnet.experiments import Budget


@pytest.mark.parametrize(
    ("text", "budget", "again"),
    [
        ("30m", Budget(seconds=1800), "30m"),
        ("120m", Budget(seconds=7200), "2h"),
        ("90", Budget(seconds=90), "90s"),
        ("0.5s", Budget(seconds=0.5), "0.5s"),
        ("20000faces", Budget(faces=20000), "20000faces"),
        ("20000 faces", Budget(faces=20000), "20000faces"),
    ],
)
def test_a_budget_is_a_time_or_a_number_of_faces(text: str, budget: Budget, again: str) -> None:
    assert Budget.parse(text) == budget
    assert str(budget) == again


@pytest.mark.parametrize("text", ["", "soon", "0m", "0faces", "-3faces", "30 steps"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"--budget .*: write it like 30m, 2h or 20000faces"):
        Budget.parse(text)


def test_a_part_of_a_budget_ends_the_schedule() -> None:
    assert Budget(seconds=100).part(0.8).schedule() == {"steps": None, "time_budget": 80.0, "faces": None}
    assert Budget(faces=9).part(0.2).schedule() == {"steps": None, "time_budget": None, "faces": 2}
    assert Budget(faces=1).part(0.1).faces == 1
