"""Processes that train one network: on one machine and on two, and what becomes of the others when one dies."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from accelerate import Accelerator

from snadnet.errors import TrainingError
from snadnet.models import read_weights
from snadnet.training.processes import lost_processes
from support.face_data import make_faces

LAUNCH = Path(__file__).parents[2] / "launch"
STEPS = 40


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A parser that trains in seconds."""
    images, labels = make_faces(tmp_path / "faces", 8, size=160)
    settings = {
        "model": "bisenet-small",
        "log_every": 1,
        "checkpoint_minutes": 1e-9,
        "data": {
            "sources": [{"images": str(images), "labels": str(labels), "hold_out": 1}],
            "sizes": [{"size": 32, "batch_size": 2}],
            "workers": 0,
        },
        "schedule": {"steps": STEPS, "warmup": 0},
        "validation": {"every": 1000, "faces": 1, "protocols": ["celeba"]},
    }
    path = tmp_path / "parsing.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def environment(**more: str) -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHON": sys.executable} | more


def weights(run: Path) -> dict[str, torch.Tensor]:
    return read_weights(run / "weights.safetensors")[1]


def children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def test_where_one_process_is_killed_all_end_with_a_line_and_the_run_goes_on_exactly(
    tmp_path: Path, config: Path
) -> None:
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "snadnet"]
    words += ["train", "--device", "cpu", "-c", str(config), "-r"]
    subprocess.run([*words, str(tmp_path / "whole")], env=environment(), check=True, timeout=900, capture_output=True)
    run = tmp_path / "run"
    cut = subprocess.Popen([*words, str(run)], env=environment(), stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 600
    while not list((run / "checkpoints").glob("step-*.pt")) and time.monotonic() < deadline:
        time.sleep(0.02)
    # The launcher's last child is the last process, which writes nothing.
    os.kill(children(cut.pid)[-1], signal.SIGKILL)
    _, errors = cut.communicate(timeout=100)
    assert cut.returncode != 0
    lines = [line for line in errors.splitlines() if line.startswith("snadnet: ")]
    # The launcher sends SIGTERM to the processes that are left: one in the middle of a step may hear of that first.
    assert [line for line in lines if "stopping after the present step" not in line] == lines[-1:]
    assert "another process of this run has gone" in lines[-1]
    reached = max(int(path.stem.split("-")[1]) for path in (run / "checkpoints").glob("step-*.pt"))
    assert reached < STEPS
    subprocess.run([*words, str(run)], env=environment(), check=True, timeout=900, capture_output=True)
    expected = weights(tmp_path / "whole")
    assert all(tensor.equal(expected[name]) for name, tensor in weights(run).items())


FAKE_SCONTROL = "#!/bin/sh\nprintf 'localhost\\nlocalhost\\n'\n"
# Two nodes are two process groups on this machine.
FAKE_SRUN = """#!/bin/sh
"$@" & first=$!
"$@" & second=$!
wait $first && wait $second
"""


def test_the_slurm_script_trains_one_network_on_two_nodes(tmp_path: Path, config: Path) -> None:
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, text in (("scontrol", FAKE_SCONTROL), ("srun", FAKE_SRUN)):
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    job = {"SLURM_JOB_NODELIST": "n[1-2]", "SLURM_NNODES": "2", "SLURM_JOB_ID": str(os.getpid())}
    job |= {"SLURM_SUBMIT_DIR": str(LAUNCH.parent), "PATH": f"{commands}:{os.environ['PATH']}"}
    run = tmp_path / "run"
    words = ["bash", str(LAUNCH / "slurm.sbatch"), "--device", "cpu", "-c", str(config), "-r", str(run)]
    subprocess.run([*words, "-s", "schedule.steps=3"], env=environment(**job), check=True, timeout=900)
    records = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    # Processes that did not find each other would each write these.
    assert [record["step"] for record in records if record["group"] == "train"] == [1, 2, 3]


def test_only_the_loss_of_a_process_is_called_that(monkeypatch: pytest.MonkeyPatch) -> None:
    accelerator = Accelerator(cpu=True)
    with pytest.raises(RuntimeError, match="shapes"), lost_processes(accelerator):
        raise RuntimeError("shapes")
    gone = RuntimeError("[gloo/transport/tcp/pair.cc:534] Connection closed by peer [127.0.0.1]:1")
    with pytest.raises(RuntimeError, match="pair"), lost_processes(accelerator):
        raise gone
    monkeypatch.setattr(type(accelerator), "num_processes", 2)
    with pytest.raises(TrainingError, match="process 1 of 2: another process"), lost_processes(accelerator):
        raise gone
    with pytest.raises(RuntimeError, match="shapes"), lost_processes(accelerator):
        raise RuntimeError("shapes")
