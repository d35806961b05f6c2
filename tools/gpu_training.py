"""Trains the full-size pass where a CUDA device is at hand for some minutes; tested on a CPU with a tiny budget.

    python tools/gpu_training.py pack --data data -o runs/pack            # at home: at most 45 MB of faces and weights
    python tools/gpu_training.py train --pack runs/pack -r runs/gpu --minutes 8 -o OUT      # there; again to go on

Each call of ``train`` goes on where the last one was in the run's folder: a quarter of ``--total`` minutes goes to the
refiner of the kernel, a tenth to the denoiser, the rest to all of it. What comes back are ``OUT/weights.safetensors``,
in half precision, and the logs.
"""

import argparse
import json
import shutil
import threading
import time
from pathlib import Path
from typing import Final

import torch

from snadnet import training
from snadnet.concurrency import StopSignal
from snadnet.data.image_folder import list_images, split_by_name
from snadnet.models import Restorer, read_model, save_network

CONFIGS: Final = Path(__file__).parents[1] / "configs" / "snadnet"
WEIGHTS: Final = Path(__file__).parents[1] / "src" / "snadnet" / "weights"
HELD_OUT: Final = 200
SHARES: Final = {"full-size-kernel": 0.25, "full-size-denoiser": 0.1, "full-size": 0.65}
ON_A_GPU: Final = {
    "full-size-denoiser": "[{size: 160, batch_size: 96, share: 0.65}, {size: 256, batch_size: 36, share: 0.35}]",
    "full-size-kernel": "[{size: 160, batch_size: 192, share: 0.7}, {size: 256, batch_size: 80, share: 0.3}]",
    "full-size": "[{size: 160, batch_size: 96, share: 0.65}, {size: 256, batch_size: 36, share: 0.35}]",
}


def pack(data: Path, output: Path, megabytes: float) -> int:
    """Copy the held-out faces of ``data/ffhq``, and as many others, evenly by name, as find room.

    Returns:
        How many faces were copied to train on.
    """
    training, held_out = split_by_name(list_images(data / "ffhq"), HELD_OUT)
    room = megabytes * 1e6 - sum(path.stat().st_size for path in held_out)
    sizes = [path.stat().st_size for path in training]
    count = min(len(training), int(len(training) * room / sum(sizes)))
    chosen = [training[index * len(training) // count] for index in range(count)]
    folder = output / "ffhq"
    folder.mkdir(parents=True, exist_ok=True)
    for path in [*chosen, *held_out]:
        shutil.copyfile(path, folder / path.name)
    return len(chosen)


def train(
    packed: Path, run: Path, output: Path, *, minutes: float, total: float, cpu: bool, further: list[str]
) -> None:
    """Train the parts for ``minutes`` of ``total``, and write what there is by then."""
    output.mkdir(parents=True, exist_ok=True)
    source = json.dumps({"images": str(packed / "ffhq"), "hold_out": HELD_OUT})
    left = minutes
    folders: list[Path] = []
    for name, share in SHARES.items():
        folder, budget = run / name, total * share
        initial = str(folders[-1] / "weights.safetensors") if folders else "null"
        folders.append(folder)
        if _minutes_done(folder) >= 0.99 * budget or left <= 0:
            continue
        own = [] if cpu else [f"data.sizes={ON_A_GPU[name]}", "data.workers=15"]
        settings = training.load_settings(
            CONFIGS / f"{name}-cpu.yaml",
            [
                f"data.sources=[{source}]",
                f"first={WEIGHTS / 'snadnet-small.safetensors'}",
                f"label_parser={WEIGHTS / 'bisenet-small-sharp.safetensors'}",
                "first_results=null",
                f"initial={initial}",
                f"schedule.time_budget={60 * budget:.0f}s",
                *own,
                *further,
            ],
        )
        # Training ends in good order when it is asked to, and goes on in the next call.
        stop = StopSignal()
        timer = threading.Timer(60 * left, stop.request, ("its minutes are over",))
        started = time.monotonic()
        timer.start()
        try:
            training.train(settings, folder, device="cpu" if cpu else "auto", stop=stop)
        finally:
            timer.cancel()
        left -= (time.monotonic() - started) / 60
        shutil.copyfile(folder / "log.jsonl", output / f"{name}.jsonl")
    trained = [folder / "weights.safetensors" for folder in folders if _minutes_done(folder)]
    network = read_model(trained[-1])
    assert isinstance(network, Restorer)
    save_network(output / "weights.safetensors", network.core, "snadnet-small-full", fp16=True)


def _minutes_done(folder: Path) -> float:
    """How long a run was trained, by its log."""
    if not (folder / "log.jsonl").is_file():
        return 0.0
    records = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return max((float(record.get("minutes", 0.0)) for record in records), default=0.0)


def main() -> None:
    """Run one of the two commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack")
    packing.add_argument("--data", type=Path, required=True)
    packing.add_argument("-o", "--output", type=Path, required=True)
    packing.add_argument("--megabytes", type=float, default=45.0)
    training = commands.add_parser("train")
    training.add_argument("--pack", type=Path, required=True)
    training.add_argument("-r", "--run", type=Path, required=True)
    training.add_argument("-o", "--output", type=Path, required=True)
    training.add_argument("--minutes", type=float, required=True, help="of this call")
    training.add_argument("--total", type=float, default=25.0, help="minutes of the whole training")
    training.add_argument("--cpu", action="store_true")
    training.add_argument("-s", "--set", action="append", default=[], help="further overrides of the settings")
    options = parser.parse_args()
    if options.command == "pack":
        print(f"{pack(options.data, options.output, options.megabytes)} faces to train on in {options.output}")
        return
    print(f"device: {'cpu' if options.cpu else torch.cuda.get_device_name()}")
    train(
        options.pack,
        options.run,
        options.output,
        minutes=options.minutes,
        total=options.total,
        cpu=options.cpu,
        further=options.set,
    )


if __name__ == "__main__":
    main()
