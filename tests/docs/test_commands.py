"""Every command that the documentation shows is one that the programs take; the quick ones run on tiny data."""

import importlib.util
import os
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
import typer.main
from PIL import Image
from typer.testing import CliRunner

from snadnet.cli.app import app
from snadnet.inference import resolve_weights
from snadnet.inference.onnx_safety import read_graph_file
from snadnet.training import load_settings
from support.clips import write_clip
from support.docs_commands import ROOT, Command, find_commands, find_mentions

PLACEHOLDERS = {"NAME": "nafnet", "MODEL": "snadnet-small"}  # what a reader puts in
OTHER_PROGRAMS = (
    "cat",
    "curl",
    "docker",
    "find",
    "mkdir",
    "other-tool",
    "podman",
    "python3",
    "/tmp/fuzzenv/bin/pip",
    "/tmp/fuzzenv/bin/python",
)
PORTRAITS = sorted((ROOT / "examples" / "portraits").glob("*.jpg"))
COMMANDS = find_commands()
SNADNET = [command for command in COMMANDS if Path(command.words[0]).name == "snadnet"]
TRAINING = [command for command in SNADNET if command.words[1] == "train"]
# Quick on tiny data. The others take original weights, a GPU, minutes or whole data sets: they are parsed only.
QUICK = ("blur", "deblur", "evaluate", "evaluate-parsers", "figure", "freeze", "label")
SUFFIXES = (".onnx", ".safetensors")
# "-" needs real streams, which tests/cli/deblur has.
# A cluster starts in seconds, which tests/cluster has.
NOT_QUICK = ("-", "deblurgan-imported.safetensors", "ray")


def parse(command: Any, name: str, words: list[str]) -> tuple[Any, dict[str, Any]]:
    """Parse words as the program would, without running it; return the verb's command and its parameters."""
    context = None
    while True:
        command = loaded(command)
        context = command.make_context(name, list(words), parent=context)
        if not hasattr(command, "commands"):
            return command, context.params
        name, command, words = command.resolve_command(context, [*context._protected_args, *context.args])


def loaded(command: Any) -> Any:
    """The command itself, where the program has listed it only."""
    return command.load() if hasattr(command, "load") else command


def with_placeholders(words: tuple[str, ...]) -> list[str]:
    return [re.sub(r"\b(NAME|MODEL)\b", lambda match: PLACEHOLDERS[match[1]], word) for word in words]


@pytest.mark.parametrize("command", SNADNET, ids=str)
def test_snadnet_takes_the_command(command: Command) -> None:
    words = with_placeholders(command.words[1:])
    root = typer.main.get_command(app)
    if words == ["--install-completion"]:  # which parsing would already carry out
        assert any("--install-completion" in parameter.opts for parameter in root.params)
        return
    parse(root, "snadnet", words)


@pytest.mark.parametrize("command", TRAINING, ids=str)
def test_the_settings_of_a_training_exist(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    _, given = parse(typer.main.get_command(app), "snadnet", with_placeholders(command.words[1:]))
    budget = given["time_budget"]
    overrides = [*(given["override"] or []), *([f"schedule.time_budget={budget}"] if budget else [])]
    settings = load_settings(Path(given["config"]), overrides)
    assert budget is None or settings.schedule.time_budget is not None


@pytest.mark.parametrize("mention", [m for m in find_mentions() if m.page != "CHANGELOG.md"], ids=str)
def test_a_mentioned_command_has_its_verb_and_its_options(mention: Command) -> None:
    words = list(mention.words)
    if words[0] == "python":
        assert words[1] == "-m" or (ROOT / words[1]).is_file()
        return
    command = typer.main.get_command(app)
    for word in words[1:]:
        if hasattr(command, "commands") and not word.startswith("-"):
            context = command.make_context(word, [], resilient_parsing=True)
            found = command.get_command(context, word)
            assert found is not None, f"there is no verb {word}"
            command = loaded(found)
        elif word.startswith("-") and word != "-":
            options = {option for parameter in command.params for option in parameter.opts}
            assert word in {"--help", *options}, f"there is no option {word}"


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in SNADNET], ids=str)
def test_other_commands_name_what_exists(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    program, *words = command.words
    match Path(program).name:
        case "make":
            assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        case "pytest":
            assert all((ROOT / word).exists() for word in words if word.startswith("tests"))
        case "ruff":
            assert words[0] in ("check", "format")
        case "sh":
            assert (ROOT / words[0]).is_file()
        case "pip" | "pipx" | "uv" if program == Path(program).name:
            extras = re.findall(r"\[([a-z,]+)\]", words[-1])[0].split(",")
            project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
            assert set(extras) <= set(project["optional-dependencies"])
        case "python" if program == "python":
            script = ROOT / words[0]
            assert script.is_file()
            monkeypatch.syspath_prepend(script.parent)
            if entry := re.search(r"typer\.run\((\w+)\)", script.read_text()):
                program_app = typer.Typer()
                program_app.command()(getattr(_load(script), entry[1]))
                parse(typer.main.get_command(program_app), words[0], words[1:])
        case _:
            assert program in OTHER_PROGRAMS


def _load(script: Path) -> Any:
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny thing of every name that the commands use."""
    folder = tmp_path_factory.mktemp("docs")
    face = np.asarray(Image.open(PORTRAITS[1]).convert("RGB"))
    for name in ("shaky.jpg", "shaken.png", "sharp.jpg", "photo.jpg", "my_photo.jpg"):
        Image.fromarray(face).save(folder / name)
    for name in ("clip.mp4", "a.mp4", "b.mov"):
        write_clip(folder / name, [face[:274, :224]] * 2, codec="libx264")
    for name in ("holiday", "photos", "photos/2019", "a", "b", "portraits"):
        (folder / name).mkdir()
        Image.fromarray(face).save(folder / name / "182638.jpg")
    crop = Image.fromarray(face[:225]).resize((256, 256), Image.Resampling.LANCZOS)
    crop.save(folder / "face.png")
    labels = np.zeros((256, 256), np.uint8)
    labels[40:220, 50:200], labels[100:120, 80:110] = 1, 4
    for name in ("ffhq", "celebamask", "celeba", "celeba/test", "celeba-hq", "celeba-hq/test", "mine"):
        images = folder / "data" / name if name == "ffhq" else folder / "data" / name / "images"
        images.mkdir(parents=True)
        crop.save(images / "182638.png")
        if name in ("celebamask", "celeba/test"):
            (images.parent / "labels").mkdir()
            Image.fromarray(labels).save(images.parent / "labels" / "182638.png")
    freeze = ["freeze", "--faces", str(folder / "data/celeba/test/images"), "--protocol", "celeba"]
    done = CliRunner().invoke(app, [*freeze, "-o", str(folder / "frozen")])
    assert done.exit_code == 0, done.output
    (folder / "testsets").mkdir()
    shutil.copytree(folder / "frozen", folder / "testsets" / "celeba")
    for name in ("mprnet", "other"):
        shutil.copytree(folder / "frozen" / "blurred", folder / "results" / name)
    for name in ("mine.onnx", "mprnet.onnx"):  # whole in itself, as an exported graph is
        (folder / name).write_bytes(read_graph_file(resolve_weights("fidelity")))
    weights = {
        "mprnet.safetensors": "snadnet-small.safetensors",
        "runs/parsing-sharp/weights.safetensors": "bisenet-small-sharp.safetensors",
        "runs/parsing-blurred/weights.safetensors": "bisenet-small-sharp.safetensors",
        "runs/nafnet-tiny/weights.safetensors": "snadnet-small.safetensors",
    }
    for name, source in weights.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "src" / "snadnet" / "weights" / source, folder / name)
    return folder


def quick_commands() -> list[Command]:
    """Of the commands that run within a second on tiny data, one of each kind."""
    kinds: dict[tuple[str, ...], Command] = {}
    for command in SNADNET:
        verb, word = (*command.words[1:3], "")[:2]
        if (verb not in QUICK and (verb, word) != ("prepare", "folder")) or set(command.words) & set(NOT_QUICK):
            continue
        kind = [word] if verb in ("figure", "prepare") else []
        if verb == "deblur":
            kind = sorted({each for each in command.words if each.startswith("-") or each.endswith(SUFFIXES)})
        if verb == "evaluate":
            test_set = command.words[command.words.index("--on") + 1]
            kind = ["mspl" if test_set.startswith("mspl") else "frozen" if ":" not in test_set else "on the fly"]
        kinds.setdefault((verb, *kind), command)
    return list(kinds.values())


@pytest.mark.parametrize("command", quick_commands(), ids=str)
def test_the_command_runs_on_tiny_data(
    command: Command, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "data"
    shutil.copytree(tiny_data, place, copy_function=os.link)
    monkeypatch.chdir(place)
    words = list(command.words[1:])
    if words[0] in ("blur", "freeze", "label", "prepare"):  # what other commands start from is in its place already
        output = Path(words[words.index("-o") + 1])
        shutil.rmtree(output) if output.is_dir() else output.unlink(missing_ok=True)
    for option in ("--validation", "--test"):
        if option in words:
            words[words.index(option) + 1] = "0"
    if words[0] == "prepare":
        words += [] if "--size" in words else ["--size", "128"]
    if words[0].startswith("evaluate"):
        words += ["--resamples", "0"] if words[0] == "evaluate" else []
    before = set(place.rglob("*"))

    done = CliRunner().invoke(app, words)

    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    assert done.output or set(place.rglob("*")) - before


def test_a_training_runs_on_tiny_data(tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "data"
    shutil.copytree(tiny_data, place, copy_function=os.link)
    shutil.copytree(ROOT / "configs", place / "configs")
    monkeypatch.chdir(place)
    Image.open("face.png").save("data/ffhq/182639.png")
    command = next(c for c in TRAINING if c.page == "docs/guides/train.md")
    tiny = [
        "model=nafnet-tiny",
        "data.sources=[{images: data/ffhq, hold_out: 1}]",
        "data.sizes=[{size: 64, batch_size: 1, share: 1.0}]",
        "data.degradation.kernels=2",
        "data.workers=0",
        "schedule={steps: 1, warmup: 0}",
        "validation={every: 1, faces: 1, protocols: [sharp]}",
    ]
    words = [*command.words[1:], "--device", "cpu", *(word for each in tiny for word in ("-s", each))]

    done = CliRunner().invoke(app, words)

    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    assert (place / command.words[-1] / "weights.safetensors").is_file()
