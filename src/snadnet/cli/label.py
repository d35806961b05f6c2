"""``snadnet label``."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from snadnet.cli.shared.extras import require_training_extra
from snadnet.cli.shared.jobs import Jobs
from snadnet.cli.shared.options import DEFAULT_WORKERS, DeviceOption, WorkersOption, output_option, weights_option
from snadnet.files import sha256_of
from snadnet.inference import load_parser, resolve_weights


def label(
    faces: Annotated[Path, typer.Argument(metavar="FACES", help="Folder of sharp, square face crops.")],
    *,
    output: Annotated[Path, output_option("Folder of the label maps.", metavar="DIR")],
    weights: Annotated[
        str | None,
        weights_option(
            "The face parser, trained on sharp faces: a released name, or a .safetensors file.",
            task="parsing",
            default="the released one",
        ),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Faces that are parsed at a time.")] = 16,
    device: DeviceOption = "auto",
    workers: WorkersOption = DEFAULT_WORKERS,
) -> None:
    """Label every face with a sharp-face parser, for training: 8-bit PNGs of class ids, one for each face.

    If stopped, the same command goes on where it was.
    """
    require_training_extra()
    from torch import Tensor  # noqa: PLC0415

    from snadnet.data.image_folder import check_names, list_images, read_face  # noqa: PLC0415
    from snadnet.data.manifest import Manifest, save_file  # noqa: PLC0415
    from snadnet.data.pseudo_labels import PARSING_SIZE, label_faces, label_file, parser_input  # noqa: PLC0415
    from snadnet.inference.torch_backend import torch_device  # noqa: PLC0415
    from snadnet.models import read_weights  # noqa: PLC0415

    file = resolve_weights(weights, task="parsing")
    network = load_parser(file, device)
    name, _ = read_weights(file)
    images = list_images(faces)
    check_names(images)
    manifest = Manifest(
        output,
        {
            "schema": "snadnet-labels-1",
            "parser": name,
            "parser_sha256": sha256_of(file),
            "parsing_size": PARSING_SIZE,
        },
    )
    waiting = [path for path in images if not manifest.holds([f"{path.stem}.png"])]
    place = torch_device(device)

    def read(path: Path) -> tuple[Path, int, Tensor]:
        pixels = read_face(path)
        return path, pixels.shape[0], parser_input(pixels, name=str(path))

    jobs = Jobs("Labelling", workers=workers)
    faces_read = jobs.run(read, waiting)
    while batch := list(islice(faces_read, batch_size)):
        labels = label_faces(network, [face for _, _, face in batch], place)
        manifest.add(
            [
                save_file(output, f"{path.stem}.png", label_file(classes, size), source=path.name)
                for (path, size, _), classes in zip(batch, labels, strict=True)
            ]
        )
    manifest.rewrite()
    done = len(waiting) - jobs.failed
    typer.echo(f"{output}: {done} labelled, {len(images) - len(waiting)} were there, {jobs.failed} failed ({name})")
    if jobs.failed:
        raise typer.Exit(1)
