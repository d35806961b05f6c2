"""The registry and weights files."""

import pickle
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save, save_file

from snadnet.catalogue import FORMER_NAMES
from snadnet.errors import ModelError, WeightsError
from snadnet.models import (
    create_model,
    create_network,
    describe_model,
    list_models,
    read_model,
    read_weights,
    save_network,
)
from snadnet.models.checkpoint_io import load_state


def test_every_listed_model_can_be_described_and_names_are_sorted() -> None:
    names = list_models()
    assert names == sorted(names)
    assert {"bisenet", "bisenet-small", "snadnet-base", "snadnet-small", "snadnet-small-paper"} <= set(names)
    assert set(list_models("parsing")) | set(list_models("deblurring")) == set(names)
    assert all(describe_model(name).name == name for name in names)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match="snadnet-small"):
        create_network("snadnet-huge")


@pytest.mark.parametrize("fp16", [False, True])
def test_weights_survive_the_file(tmp_path: Path, fp16: bool) -> None:
    network = create_network("bisenet-small")
    path = tmp_path / "parser.safetensors"
    save_network(path, network, "bisenet-small", fp16=fp16, note="a test")
    loaded = read_model(path, expected="bisenet-small")
    assert not loaded.training
    for key, tensor in network.state_dict().items():
        expected = tensor.half().float() if fp16 and tensor.is_floating_point() else tensor
        torch.testing.assert_close(loaded.state_dict()[key], expected, rtol=0, atol=0)


def test_loading_leaves_the_random_state_alone(tmp_path: Path) -> None:
    path = tmp_path / "parser.safetensors"
    save_network(path, create_network("bisenet-small"), "bisenet-small")
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    read_model(path)
    torch.testing.assert_close(torch.rand(1), expected)


def test_another_network_than_expected_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "parser.safetensors"
    save_network(path, create_network("bisenet-small"), "bisenet-small")
    with pytest.raises(WeightsError, match=r"parser\.safetensors.*bisenet-small.*expected 'bisenet'"):
        read_model(path, expected="bisenet")
    with pytest.raises(WeightsError, match="do not fit"):
        load_state(create_network("bisenet"), create_network("bisenet-small").state_dict(), path)


@pytest.mark.parametrize("content", [b"", b"not weights", b"\xff" * 64, pickle.dumps({"a": 1})])
def test_what_is_no_weights_file_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"bad\.safetensors"):
        read_model(path)


def test_missing_and_foreign_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such"):
        read_model(tmp_path / "none.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    with pytest.raises(WeightsError, match="does not say"):
        read_model(tmp_path / "foreign.safetensors")


@pytest.mark.parametrize(("former", "name"), FORMER_NAMES.items())
def test_a_former_name_leads_to_the_network(former: str, name: str) -> None:
    assert former not in list_models()
    assert describe_model(former) is describe_model(name)


def test_weights_of_a_former_name_open_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "old.safetensors"
    network = create_model("umsn-cpu").core
    header = {"format": "snadnet-weights-1", "model": "umsn-cpu", "facts": "{}"}
    path.write_bytes(save({key: value.contiguous() for key, value in network.state_dict().items()}, metadata=header))
    assert read_weights(path)[0] == "umsn-tiny"
    for expected in (None, "umsn-cpu", "umsn-tiny"):
        model = read_model(path, expected=expected)
        assert model.descriptor.name == "umsn-tiny"
        assert all(value.equal(model.core.state_dict()[key]) for key, value in network.state_dict().items())
    with pytest.raises(WeightsError, match="expected 'mprnet-cpu'"):
        read_model(path, expected="mprnet-cpu")
    save_network(path, network, "umsn-cpu")
    with safe_open(path, framework="pt") as file:
        assert file.metadata()["model"] == "umsn-tiny"
