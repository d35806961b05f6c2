"""``snadnet prepare``: data sets as they are published, made ready for training."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snadnet.cli.shared.extras import require_training_extra
from snadnet.cli.shared.jobs import Jobs
from snadnet.cli.shared.options import DEFAULT_WORKERS, WorkersOption, output_option
from snadnet.errors import DataError

if TYPE_CHECKING:
    from snadnet.data.manifest import Manifest, ManifestEntry
    from snadnet.data.prepare.preparation import FaceJob, Preparation

app = typer.Typer(
    help="Make a data set ready for training. Nothing is downloaded: fetch it by hand, under its own terms.",
    no_args_is_help=True,
)

SourceArgument = Annotated[Path, typer.Argument(metavar="SOURCE", help="Folder or zip file of the data set.")]
OutputOption = Annotated[Path, output_option("Folder of the prepared faces.", metavar="DIR")]
SizeOption = Annotated[int, typer.Option(min=32, max=1024, help="Side of the faces in pixels.")]
VerifyOption = Annotated[
    bool, typer.Option("--verify", help="Write nothing: compare every prepared file with the manifest and the source.")
]
FacesOption = Annotated[int, typer.Option(min=1, help="How many numbered images the data set has.")]
ValidationOption = Annotated[int, typer.Option(min=0, help="Faces held out for validation.")]
TestOption = Annotated[int, typer.Option(min=0, help="Faces held out for test, the last by name.")]


@app.command()
def celeba(
    source: SourceArgument,
    *,
    output: OutputOption,
    partition: Annotated[
        Path | None, typer.Option(help="list_eval_partition.txt, if it lies neither in SOURCE nor beside it.")
    ] = None,
    size: SizeOption = 160,
    verify: VerifyOption = False,
    workers: WorkersOption = DEFAULT_WORKERS,
) -> None:
    """CelebA: img_align_celeba (folder or zip) and list_eval_partition.txt.

    From https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html, for non-commercial research only.
    """
    require_training_extra()
    from snadnet.data.prepare.celeba import celeba as prepared  # noqa: PLC0415 (needs the extra)

    _prepare(prepared(source, size=size, partition=partition), output, verify=verify, workers=workers)


@app.command()
def celeba_hq(
    source: SourceArgument,
    *,
    output: OutputOption,
    size: SizeOption = 256,
    faces: FacesOption = 30_000,
    validation: ValidationOption = 1000,
    test: TestOption = 1000,
    verify: VerifyOption = False,
    workers: WorkersOption = DEFAULT_WORKERS,
) -> None:
    """CelebA-HQ: numbered images, in a folder or a zip file.

    They come with CelebAMask-HQ: https://github.com/switchablenorms/CelebAMask-HQ, for non-commercial research only.
    """
    require_training_extra()
    from snadnet.data.prepare.celeba import celeba_hq as prepared  # noqa: PLC0415 (needs the extra)

    preparation = prepared(source, size=size, faces=faces, validation=validation, test=test)
    _prepare(preparation, output, verify=verify, workers=workers)


@app.command()
def celebamask_hq(
    source: SourceArgument,
    *,
    output: OutputOption,
    size: SizeOption = 256,
    faces: FacesOption = 30_000,
    validation: ValidationOption = 1000,
    test: TestOption = 1000,
    verify: VerifyOption = False,
    workers: WorkersOption = DEFAULT_WORKERS,
) -> None:
    """CelebAMask-HQ: CelebA-HQ's images, and the masks of their parts merged into maps of 19 classes.

    From https://github.com/switchablenorms/CelebAMask-HQ, for non-commercial research only.
    """
    require_training_extra()
    from snadnet.data.prepare.celeba import celebamask_hq as prepared  # noqa: PLC0415 (needs the extra)

    preparation = prepared(source, size=size, faces=faces, validation=validation, test=test)
    _prepare(preparation, output, verify=verify, workers=workers)


@app.command()
def folder(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Folder of images.")],
    *,
    output: OutputOption,
    aligned: Annotated[
        bool, typer.Option("--aligned", help="They are square face crops already; do not look for faces.")
    ] = False,
    size: SizeOption = 256,
    validation: ValidationOption = 0,
    test: TestOption = 0,
    verify: VerifyOption = False,
    workers: WorkersOption = DEFAULT_WORKERS,
) -> None:
    """Any folder of photos: the largest face of each is found and aligned."""
    require_training_extra()
    from snadnet.data.prepare.face_folder import face_folder  # noqa: PLC0415 (needs the extra)

    preparation = face_folder(source, aligned=aligned, size=size, validation=validation, test=test)
    _prepare(preparation, output, verify=verify, workers=workers)


def _prepare(preparation: "Preparation", output: Path, *, verify: bool, workers: int) -> None:
    from snadnet.data.manifest import Manifest  # noqa: PLC0415 (needs the extra)

    manifest = Manifest(output, preparation.header)
    preparation.check_against(manifest)
    splits = Counter(job.split for job in preparation.jobs)
    counts = f"train {splits['train']}, validation {splits['validation']}, test {splits['test']}"
    run = _verify if verify else _make
    if run(preparation, manifest, counts, workers=workers):
        raise typer.Exit(1)


def _verify(preparation: "Preparation", manifest: "Manifest", counts: str, *, workers: int) -> int:
    """Compare all files with the manifest, and return how many are not as they were written."""
    from snadnet.data.prepare.preparation import check_file  # noqa: PLC0415

    output = manifest.folder
    if not manifest.entries:
        raise DataError(f"{output}: nothing was prepared there; give the command without --verify first")
    files = [file for job in preparation.jobs for file in preparation.files(job)]
    unmade = _several([file for file in files if file not in manifest.entries])
    _say_missing(f"{output}:", "files were never prepared", unmade, len(files), "give the command without --verify")
    made = [file for file in files if file in manifest.entries] if unmade else files
    made += [path.relative_to(output).as_posix() for path in manifest.strangers()]
    jobs = Jobs("Verifying", workers=workers)
    for _ in jobs.run(lambda file: check_file(manifest, file), made):
        pass
    wrong = jobs.failed + len(unmade)
    typer.echo(f"{output}: {len(made) - jobs.failed} files as they were written, {wrong} not ({counts})")
    return wrong


def _make(preparation: "Preparation", manifest: "Manifest", counts: str, *, workers: int) -> int:
    """Make the faces that are not there yet, and return how many could not be made."""
    waiting = [job for job in preparation.jobs if not manifest.holds(preparation.files(job))]
    missing = _several([job.missing for job in waiting if job.missing is not None])
    _say_missing("the source:", "images are missing", missing, len(preparation.jobs), "fetch them again")

    def work(job: "FaceJob") -> "list[ManifestEntry]":
        return preparation.write(job, manifest)

    jobs = Jobs("Preparing", workers=workers)
    for entries in jobs.run(work, [job for job in waiting if not missing or job.missing is None]):
        manifest.add(entries)
    manifest.rewrite()
    failed = jobs.failed + len(missing)
    before, done = len(preparation.jobs) - len(waiting), len(waiting) - failed
    typer.echo(f"{manifest.folder}: {done} faces prepared, {before} were there, {failed} failed ({counts})")
    return failed


def _several(items: list[str]) -> list[str]:
    """Return what one line is to stand for: nothing if it is a single item, whose own message says more."""
    return items if len(items) > 1 else []


def _say_missing(place: str, what: str, missing: list[str], whole: int, remedy: str) -> None:
    """Say in one line how many there are not, whatever their number."""
    if missing:
        typer.echo(
            f"snadnet: {place} {len(missing):,} of {whole:,} {what}, the first: {missing[0]}; {remedy}", err=True
        )
