"""The light runtime works without PyTorch and everything else that only training needs."""

import subprocess
import sys
from pathlib import Path

import pytest

# `None` in sys.modules makes an import fail as if the package were not installed.
WITHOUT_TRAINING_PACKAGES = """
import sys
for name in ("torch", "torchvision", "torchmetrics", "accelerate", "yaml", "safetensors",
             "tensorboard", "onnx", "onnxscript", "skimage", "scipy"):
    sys.modules[name] = None
"""


def run_without_training_packages(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_TRAINING_PACKAGES + code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "module", ["snadnet", "snadnet.photo", "snadnet.blur", "snadnet.faces", "snadnet.deblurrer", "snadnet.video"]
)
def test_runtime_module_imports_without_the_training_packages(module: str) -> None:
    done = run_without_training_packages(f"import {module}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", [["--help"], ["blur", "--help"], ["deblur", "--help"], ["import", "--help"]])
def test_everyday_commands_start_without_the_training_packages(words: list[str]) -> None:
    done = run_without_training_packages(f"sys.argv = ['snadnet', *{words!r}]; from snadnet.cli import main; main()")
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


@pytest.mark.parametrize("words", [["--help"], ["deblur", "--help"], ["devices", "--help"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    code = f"""
sys.argv = ['snadnet', *{words!r}]
from snadnet.cli import main
try:
    main()
except SystemExit:
    pass
heavy = {{'numpy', 'cv2', 'onnxruntime', 'PIL.Image', 'rich.progress'}} & set(sys.modules)
assert not heavy, heavy
"""
    done = run_without_training_packages(code)
    assert done.returncode == 0, done.stderr


def test_networks_are_listed_without_the_training_packages() -> None:
    done = run_without_training_packages("sys.argv = ['snadnet', 'models']; from snadnet.cli import main; main()")
    assert done.returncode == 0, done.stderr
    assert "snadnet-small" in done.stdout
    assert "released" in done.stdout


def test_deblurring_a_photo_never_imports_pytorch(tmp_path: Path) -> None:
    code = """
import sys
from snadnet import Deblurrer, Restoration, load_model, read_photo
deblurrer = Deblurrer()
restoration = deblurrer.restore(sys.argv[1])
assert restoration.faces, restoration
load_model("natural")
restoration.save(sys.argv[2])
heavy = {"torch", "torchvision", "safetensors", "onnx", "scipy", "yaml", "snadnet.models"} & set(sys.modules)
assert not heavy, heavy
"""
    photo = next((Path(__file__).parents[1] / "examples" / "portraits").glob("*.jpg"))
    arguments = [sys.executable, "-c", code, str(photo), str(tmp_path / "out.png")]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.png").exists()
