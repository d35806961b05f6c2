"""``snadnet freeze``."""

from pathlib import Path
from typing import Annotated

import typer

from snadnet.cli.shared.extras import require_training_extra
from snadnet.cli.shared.jobs import Jobs
from snadnet.cli.shared.options import DEFAULT_WORKERS, WorkersOption, output_option
from snadnet.data.protocols import PROTOCOLS
from snadnet.errors import OutputExistsError


def freeze(
    *,
    faces: Annotated[
        Path, typer.Option(help="Folder of sharp faces, each numbered by its name: square crops, for mspl any.")
    ],
    protocol: Annotated[str, typer.Option(help=f"How they are blurred: {', '.join(PROTOCOLS)}.")],
    output: Annotated[Path, output_option("The test set to write.", metavar="DIR")],
    labels: Annotated[Path | None, typer.Option(help="Folder of their label maps, to go with them.")] = None,
    last: Annotated[int | None, typer.Option(min=1, help="Only the last N faces by name.")] = None,
    workers: WorkersOption = DEFAULT_WORKERS,
) -> None:
    """Write a test set once, blurred and sharp, so that every method sees the same pixels."""
    require_training_extra()
    from snadnet.data.image_folder import FaceFile, check_names, list_faces  # noqa: PLC0415 (needs the extra)
    from snadnet.data.test_sets import (  # noqa: PLC0415
        MANIFEST,
        FrozenFace,
        freeze_face,
        write_manifest,
    )

    if protocol not in PROTOCOLS:
        raise typer.BadParameter(f"choose one of: {', '.join(PROTOCOLS)}", param_hint="--protocol")
    if (output / MANIFEST).exists():
        raise OutputExistsError(f"{output}: is a finished test set, which is never changed; name another folder")
    chosen = list_faces(faces, labels)[-last if last else 0 :]
    check_names([face.image for face in chosen])

    def work(numbered: tuple[int, FaceFile]) -> FrozenFace:
        number, face = numbered
        return freeze_face(face, number, PROTOCOLS[protocol], output)

    jobs = Jobs("Freezing", workers=workers)
    frozen = list(jobs.run(work, list(enumerate(chosen))))
    if jobs.failed:
        # A face left out would give all that follow another number, and so another kernel.
        typer.echo(f"{output}: not finished, {jobs.failed} of {len(chosen)} faces failed; replace or remove them")
        raise typer.Exit(1)
    write_manifest(output, PROTOCOLS[protocol], frozen)
    typer.echo(f"{output}: {len(frozen)} faces, {PROTOCOLS[protocol]}")
