"""Weights that were saved before parts of the networks were renamed."""

import copy
import re

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from snadnet.models import create_network
from snadnet.models.layers.former_keys import accept_former_keys

# Regular expressions of today's keys, and the former ones.
FORMER = {
    "nafnet-tiny": {r"^downsample\.": "lower.", r"^upsample\.": "higher."},
    "mprnet-tiny": {r"\.downsample\.": ".lower.", r"\.upsample\.": ".higher.", r"\.upsample_(\w+)": r".raise_\1"},
    "umsn-tiny": {
        r"\.upsample_fifth\.": ".raise_fifth.",
        r"\.output_head\.": ".finish.",
        r"\.image_features\.": ".drawing.",
        r"\.(maps|refine|refine_input)_half_res\.": r".\1_half.",
    },
    "snadnet-small": {r"^(generator\.decoder\.\d)\.upsample\.": r"\1.raise_resolution.", r"\.image\.": ".picture."},
    "wiener-small": {r"^estimator\.image\.": "estimator.picture."},
}


@pytest.mark.parametrize(("name", "patterns"), FORMER.items())
def test_former_keys_are_loaded(name: str, patterns: dict[str, str]) -> None:
    network, other = create_network(name), create_network(name)
    former = {}
    for key, value in network.state_dict().items():
        for today, before in patterns.items():
            key = re.sub(today, before, key)  # noqa: PLW2901
        former[key] = value
    assert all(any(re.search(today, key) for key in network.state_dict()) for today in patterns)
    assert former.keys() != network.state_dict().keys()
    other.load_state_dict(former, strict=True)
    assert all(value.equal(other.state_dict()[key]) for key, value in network.state_dict().items())


class Renamed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.today = nn.Linear(2, 2)
        self.todays = nn.Linear(2, 2)
        accept_former_keys(self, former="today")


def test_copies_wrappers_and_todays_keys_are_served_and_others_refused() -> None:
    network = Renamed()
    state = network.state_dict()
    former = {key.replace("today.", "former."): value for key, value in state.items()}
    for copied in (Renamed(), copy.deepcopy(Renamed())):
        for each in (former, state):
            copied.load_state_dict(each)
            assert copied.today.weight.equal(network.today.weight)
    average = AveragedModel(Renamed())
    average.load_state_dict({"n_averaged": torch.tensor(0)} | {f"module.{key}": former[key] for key in former})
    assert average.module.today.weight.equal(network.today.weight)
    assert "former.weight" in former
    with pytest.raises(RuntimeError, match=r"today\.other"):
        network.load_state_dict(former | {"former.other": torch.zeros(1)})
