"""One clear line for a file that is not the authors', or not whole; and the command ``snadnet import``."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from typer.testing import CliRunner, Result

from snadnet.cli.app import app
from snadnet.cli.importing import NAMES
from snadnet.errors import ModelError, OutputExistsError, WeightsError
from snadnet.models import describe_model, read_model
from snadnet.models.convert import LAYOUTS, import_original
from support import original_checkpoints as originals


class Code:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch ran",)


def refusal(path: Path, name: str = "deblurgan", unused: tuple[str, ...] = ()) -> str:
    with pytest.raises(WeightsError) as caught:
        import_original(name, [path], unused=unused)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


def saved(folder: Path, content: object) -> Path:
    torch.save(dict(content) if isinstance(content, originals.Names) else content, folder / "x.pth")
    return folder / "x.pth"


def changed(folder: Path, name: str, value: object, *, original: originals.Names | None = None) -> Path:
    content: dict[str, object] = dict(original or originals.deblurgan())
    content[name] = value
    if value is None:
        del content[name]
    return saved(folder, content)


def test_a_missing_tensor_is_named(tmp_path: Path) -> None:
    message = refusal(changed(tmp_path, "model.18.conv_block.6.bias", None))
    assert "lacks what the network needs: model.18.conv_block.6.bias;" in message
    assert "deblurgan-released-block" in message


def test_a_file_of_one_convolution_a_block_says_which_model_it_is(tmp_path: Path) -> None:
    path = saved(tmp_path, originals.deblurgan(second=None))
    assert "model.10.conv_block.6.weight, model.10.conv_block.6.bias, model.11" in (message := refusal(path))
    assert "and 15 more; weights with two convolutions" in message
    both = saved(tmp_path, originals.deblurgan())
    assert "does not have: model.10.conv_block.6.weight" in refusal(both, "deblurgan-released-block")


def test_an_unknown_tensor_is_named_unless_left_out_by_hand(tmp_path: Path) -> None:
    path = changed(tmp_path, "model.28.weight", torch.zeros(1))
    assert "holds what the network does not have: model.28.weight;" in refusal(path)
    assert import_original("deblurgan", [path], unused=["model.28.*"]).counts.unused == 70


def test_leaving_out_what_is_needed_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, originals.deblurgan())
    assert "lacks what the network needs: model.26.weight, model.26.bias;" in refusal(path, unused=("model.26.*",))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (torch.zeros(3, 64, 7, 6), "model.26.weight has the shape (3, 64, 7, 6), the network (3, 64, 7, 7)"),
        (
            torch.zeros(3, 64, 7, 7, dtype=torch.int64),
            "model.26.weight holds torch.int64, not a tensor of torch.float32",
        ),
        ("text", "model.26.weight holds str"),
        ([1.0, 2.0], "model.26.weight holds list"),
    ],
    ids=["shape", "integers", "text", "list"],
)
def test_what_is_of_another_shape_or_kind_is_named(tmp_path: Path, value: object, said: str) -> None:
    assert said in refusal(changed(tmp_path, "model.26.weight", value))


def test_one_other_slope_is_refused(tmp_path: Path) -> None:
    name = "stage3_orsnet.orb2.body.3.body.1.weight"
    path = changed(tmp_path, name, torch.tensor([0.2]), original=originals.mprnet())
    message = refusal(path, "mprnet")
    assert f"different values where one tensor is shared: shallow_feat1.1.body.1.weight, {name};" in message


def test_the_backbone_s_two_copies_must_agree(tmp_path: Path) -> None:
    name = "fpn.enc2.2.conv.4.bias"
    original = originals.deblurganv2_mobilenet()
    path = changed(tmp_path, name, original[name] + 1, original=original)
    message = refusal(path, "deblurganv2-mobilenet")
    assert f"one tensor is shared: fpn.features.6.conv.4.bias, {name};" in message


@pytest.mark.parametrize("name", ["mprnet", "nafnet-32", "deblurganv2-inception", "umsn", "dmphn-1-2-4"])
def test_a_file_of_another_network_is_refused(tmp_path: Path, name: str) -> None:
    assert "does not have:" in refusal(saved(tmp_path, originals.deblurgan()), name)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "holds no tensors by name"),
        ({"state_dict": {}}, "holds no tensors by name"),
        ({"epoch": 3}, "holds no tensors by name"),
        ({1: torch.zeros(1)}, "holds no tensors by name"),
        ([torch.zeros(1)], "holds a list"),
        ({"a": torch.nn.Linear(1, 1)}, "holds more than data (torch.nn.modules.linear.Linear)"),
        ({"a": torch.zeros(1), "b": Code()}, "holds more than data (posix.system), which could run code"),
    ],
    ids=["empty", "empty wrapper", "no tensors", "no names", "list", "module", "code"],
)
def test_what_is_no_checkpoint_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: object, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in refusal(saved(tmp_path, content))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"PK\x03\x04", *(pickle.dumps(Code(), protocol=each) for each in (2, 4))]
)
def test_bytes_that_are_no_checkpoint_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.pth").write_bytes(content)
    refusal(tmp_path / "x.pth")
    assert not recwarn.list
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_values_that_are_not_finite_are_named(tmp_path: Path, value: float) -> None:
    bias = torch.zeros(3)
    bias[1] = value
    assert "x.pth: model.26.bias has values that are not finite" in refusal(changed(tmp_path, "model.26.bias", bias))


def test_a_checkpoint_cut_short_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, originals.deblurgan())
    path.write_bytes(path.read_bytes()[:-700])
    assert "damaged" in refusal(path)


def test_missing_files_and_empty_folders_are_told(tmp_path: Path) -> None:
    assert "no such file; give the generator, latest_net_G.pth" in refusal(tmp_path / "none.pth")
    assert "is a folder; give the generator" in refusal(tmp_path)
    assert "has no *.pkl files; give the folder with encoder_lv1.pkl" in refusal(tmp_path, "dmphn-1-2-4")


def test_one_file_is_enough(tmp_path: Path) -> None:
    path = saved(tmp_path, originals.deblurgan())
    with pytest.raises(WeightsError, match=r"x\.pth: one file is enough; give the generator"):
        import_original("deblurgan", [path, path])


def test_a_level_too_many_or_too_few_is_refused(tmp_path: Path) -> None:
    for file, content in originals.dmphn(4).items():
        torch.save(dict(content), tmp_path / file)
    assert "does not have: decoder_lv4.layer13.0.weight" in (message := refusal(tmp_path, "dmphn-1-2-4"))
    assert "four dmphn-1-2-4-8's" in message
    (tmp_path / "decoder_lv2.pkl").unlink()
    assert "lacks what the network needs: decoder_lv2.layer13.0.weight" in refusal(tmp_path, "dmphn-1-2-4-8")


def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"'deblurgan-tiny'; choose one of: bisenet, .*umsn-released"):
        import_original("deblurgan-tiny", [tmp_path])


def command(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["import", *map(str, arguments)])


@torch.no_grad()
def test_what_the_command_writes_is_a_model_s_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    original = originals.Names.like(originals.deblurganv2_mobilenet(), torch.Generator().manual_seed(0))
    for name in original:  # the backbone's second copies
        original[name] = original[_first_copy(name)]
    saved(tmp_path, {"model": {f"module.{name}": tensor for name, tensor in original.items()}})
    result = command("deblurganv2-mobilenet-released", "x.pth")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("deblurganv2-mobilenet-released-imported.safetensors: written (8.")
    assert "565 used, 57 known to be unused; licence of the original: BSD-style" in result.output
    assert result.output.count("\n") == 1
    path = Path("deblurganv2-mobilenet-released-imported.safetensors")
    model = read_model(path, expected="deblurganv2-mobilenet-released")
    torch.testing.assert_close(model.core.final.weight, original["final.weight"], rtol=0, atol=0)
    assert model(torch.rand(1, 3, 64, 80)).shape == (1, 3, 64, 80)
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["facts"])
    assert facts["licence"] == "BSD-style"
    assert "DeblurGAN-v2" in facts["paper"]
    assert facts["source"].startswith("x.pth (SHA-256 ")


def _first_copy(name: str) -> str:
    for step, (start, _) in enumerate(originals.MOBILE_STEPS):
        if name.startswith(f"fpn.enc{step}."):
            index, _, rest = name.removeprefix(f"fpn.enc{step}.").partition(".")
            return f"fpn.features.{start + int(index)}.{rest}"
    return name


def test_averaged_weights_are_preferred_and_that_is_said(tmp_path: Path) -> None:
    average, last = originals.nafnet(32), originals.nafnet(32)
    last["intro.bias"] = last["intro.bias"] + 1
    path = saved(tmp_path, {"params": dict(last), "params_ema": dict(average)})
    output = tmp_path / "out.safetensors"
    result = command("nafnet-32", path, "-o", output)
    assert "x.pth: holds params_ema and params; took the averaged weights, params_ema\n" in result.output
    assert read_model(output).core.intro.bias.equal(average["intro.bias"])
    alone = import_original("nafnet-32", [saved(tmp_path, {"params_ema": dict(average)})])
    assert alone.network.intro.bias.equal(average["intro.bias"])
    assert alone.notes == ()


@pytest.mark.parametrize(
    "prefix", ["module.", "module.module.", "_orig_mod.", "net.", "module._orig_mod.", "_orig_mod.module.net."]
)
def test_prefixes_of_wrapped_networks_are_taken_off(tmp_path: Path, prefix: str) -> None:
    original = originals.deblurgan(statistics=False)
    path = saved(tmp_path, {"state_dict": {prefix + name: value for name, value in original.items()}})
    assert import_original("deblurgan", [path]).counts.used == len(original)


def test_safetensors_are_imported_too(tmp_path: Path) -> None:
    original = originals.deblurgan(statistics=False)
    save_file({name: value.clone().contiguous() for name, value in original.items()}, tmp_path / "x.safetensors")
    assert import_original("deblurgan", [tmp_path / "x.safetensors"]).counts.used == len(original)


def test_an_existing_file_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    output = tmp_path / "out.safetensors"
    output.write_text("mine")
    path = saved(tmp_path, originals.deblurganv2_mobilenet())
    refused = command("deblurganv2-mobilenet", path, "-o", output)
    assert isinstance(refused.exception, OutputExistsError)
    assert output.read_text() == "mine"
    assert command("deblurganv2-mobilenet", path, "-o", output, "--overwrite").exit_code == 0
    read_model(output, expected="deblurganv2-mobilenet")


def test_a_refused_file_leaves_nothing_behind(tmp_path: Path) -> None:
    path = changed(tmp_path, "extra.weight", torch.zeros(1), original=originals.deblurganv2_mobilenet())
    result = command("deblurganv2-mobilenet", path, "-o", tmp_path / "out.safetensors")
    assert isinstance(result.exception, WeightsError)
    assert [each.name for each in tmp_path.iterdir()] == ["x.pth"]
    left_out = command("deblurganv2-mobilenet", path, "-o", tmp_path / "out.safetensors", "--unused", "extra.*")
    assert "565 used, 58 known to be unused" in left_out.output


def test_a_name_that_no_command_would_take_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, originals.deblurgan())
    result = command("deblurgan", path, "-o", tmp_path / "x.onnx")
    assert (result.exit_code, [each.name for each in tmp_path.iterdir()]) == (2, ["x.pth"])


def test_the_help_lists_what_can_be_imported() -> None:
    assert list(NAMES) == sorted(LAYOUTS)
    assert all(describe_model(name).name == name for name in NAMES)
    shown = " ".join(CliRunner().invoke(app, ["import", "--help"], env={"COLUMNS": "400"}).output.split())
    assert all(name in shown for name in NAMES)
