"""Trains the released networks further where a CUDA device is at hand for some minutes.

    python tools/gpu_training.py pack --data data --faces runs/allage/images -o runs/pack     # at home: parts of 55 MB
    python tools/gpu_training.py train --pack runs/pack/part-* -r runs/gpu --minutes 9 -o OUT # there; again to go on

Each part holds as even a share of the faces as the others, the first the held-out ones too, so that training may begin
with those that have arrived. Each call of ``train`` goes on where the last one was in the run's folder: of ``--total``
minutes, most go to SNADNet and its full-size pass together, the rest to the pass once more, and to the one for large
faces. What comes back are ``OUT/*.safetensors`` in half precision, each without the network that its pass is over,
and the logs.
"""

import argparse
import json
import math
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Final

import torch

from snadnet import training
from snadnet.concurrency import StopSignal
from snadnet.data.image_folder import list_images, split_by_name
from snadnet.models import Restorer, read_model, save_network
from snadnet.models.checkpoint_io import Base
from snadnet.models.snadnet import FullSizeSNADNet

CONFIGS: Final = Path(__file__).parents[1] / "configs" / "snadnet"
WEIGHTS: Final = Path(__file__).parents[1] / "src" / "snadnet" / "weights"
HELD_OUT: Final = 200
SHARES: Final = {"joint": 0.72, "twice": 0.17, "large": 0.11}
RELEASES: Final = {"joint": "snadnet-small-full", "twice": "snadnet-small-twice", "large": "snadnet-small-large"}


def pack(data: Path, further: list[Path], output: Path, megabytes: float) -> int:
    """Copy the faces of ``data/ffhq`` and ``data/celebamask``, and those of further folders, in parts.

    Args:
        data: Holds ``ffhq/`` and, if there is one, ``celebamask/`` with ``images/`` and ``labels/``.
        further: Folders of more faces to train on; of `snadnet prepare`, or aligned alike.
        output: Gets ``part-1``, ``part-2`` and so on.
        megabytes: About the largest size of a part.

    Returns:
        How many parts there are.
    """
    training_faces, held_out = split_by_name(list_images(data / "ffhq"), HELD_OUT)
    # What belongs together, a face and its label map, comes into one part.
    faces = [[(path, Path("ffhq", path.name))] for path in training_faces]
    labelled = data / "celebamask"
    if labelled.is_dir():
        for path in split_by_name(list_images(labelled / "images"), HELD_OUT)[0]:
            labels = labelled / "labels" / f"{path.stem}.png"
            pair = ((path, "images"), (labels, "labels"))
            faces.append([(file, Path("celebamask", kind, file.name)) for file, kind in pair])
    for number, folder in enumerate(further):
        faces += [[(path, Path(f"further-{number}", path.name))] for path in list_images(folder)]
    room = megabytes * 1e6 - sum(path.stat().st_size for path in held_out)
    if room <= 0:
        sys.exit(f"{data / 'ffhq'}: its held-out faces alone are over {megabytes:g} MB; give more --megabytes")
    count = max(1, math.ceil(sum(path.stat().st_size for files in faces for path, _ in files) / room))
    parts = [[(path, Path("ffhq", path.name)) for path in held_out], *([] for _ in range(count - 1))]
    for number, files in enumerate(faces):
        parts[number % count] += files
    for number, files in enumerate(parts, start=1):
        for path, place in files:
            target = output / f"part-{number}" / place
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    return count


def sources(parts: list[Path]) -> list[dict[str, object]]:
    """The faces of parts as settings have them; the first part's held-out ones validate."""
    found: list[dict[str, object]] = [{"images": str(parts[0] / "ffhq"), "hold_out": HELD_OUT}]
    for part in parts:
        for folder in sorted(part.iterdir()):
            if folder.name == "celebamask":
                found.append({"images": str(folder / "images"), "labels": str(folder / "labels")})
            elif folder != parts[0] / "ffhq":
                found.append({"images": str(folder)})
    return found


def train(
    parts: list[Path], run: Path, output: Path, *, minutes: float, total: float, cpu: bool, further: list[str]
) -> None:
    """Train for ``minutes`` of ``total``, and write what there is by then."""
    output.mkdir(parents=True, exist_ok=True)
    left = minutes
    for name, share in SHARES.items():
        folder, budget = run / name, total * share
        if _minutes_done(folder) >= 0.99 * budget or left <= 0:
            continue
        first = [] if name == "joint" else [f"first={run / 'joint' / 'weights.safetensors'}"]
        settings = training.load_settings(
            CONFIGS / f"{name}-gpu.yaml",
            [
                f"data.sources={json.dumps(sources(parts))}",
                f"label_parser={WEIGHTS / 'bisenet-small-sharp.safetensors'}",
                f"initial={WEIGHTS / f'{RELEASES[name]}.safetensors'}",
                *first,
                f"schedule.time_budget={60 * budget:.0f}s",
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
    # Whole in every call: what an earlier one brought back may have been taken away.
    for name in SHARES:
        if (run / name / "weights.safetensors").is_file():
            shutil.copyfile(run / name / "log.jsonl", output / f"{name}.jsonl")
            _bring_back(run / name / "weights.safetensors", output, name)


def _bring_back(weights: Path, output: Path, name: str) -> None:
    """Write a trained network in half precision, and what its pass is over in a file of its own."""
    read = read_model(weights)
    assert isinstance(read, Restorer)
    network = read.core
    assert isinstance(network, FullSizeSNADNet)
    if name == "joint":
        below = output / "snadnet-small.safetensors"
        save_network(below, network.first, "snadnet-small", fp16=True)
    else:
        below = output / "snadnet-small-full.safetensors"
    save_network(
        output / f"{RELEASES[name]}.safetensors", network, RELEASES[name], fp16=True, base=Base(below, "first")
    )


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
    packing.add_argument("--faces", type=Path, action="append", default=[], help="a further folder of faces")
    packing.add_argument("-o", "--output", type=Path, required=True)
    packing.add_argument("--megabytes", type=float, default=55.0, help="of a part, about")
    training = commands.add_parser("train")
    training.add_argument("--pack", type=Path, nargs="+", required=True, help="the parts that are there")
    training.add_argument("-r", "--run", type=Path, required=True)
    training.add_argument("-o", "--output", type=Path, required=True)
    training.add_argument("--minutes", type=float, required=True, help="of this call")
    training.add_argument("--total", type=float, default=19.0, help="minutes of the whole training")
    training.add_argument("--cpu", action="store_true")
    training.add_argument("-s", "--set", action="append", default=[], help="further overrides of the settings")
    options = parser.parse_args()
    if options.command == "pack":
        print(f"{pack(options.data, options.faces, options.output, options.megabytes)} parts in {options.output}")
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
