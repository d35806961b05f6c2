"""Which photos a command line names, and where each result goes; settled and checked before any work."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from snadnet.photo import SUFFIXES, shown


@dataclass(frozen=True)
class Job:
    """One photo to do.

    Attributes:
        source: the input file.
        target: the output file.
        comparison: where the before/after picture goes, or None if none is wanted.
    """

    source: Path
    target: Path
    comparison: Path | None

    @property
    def outputs(self) -> tuple[Path, ...]:
        """All files that the job writes."""
        return (self.target,) if self.comparison is None else (self.target, self.comparison)


def find_photos(arguments: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """The photos that files and folders on the command line stand for.

    A named file counts whatever its name. Of a folder count the visible files whose ending, in any letter
    case, is a photo's, in order of name; its subfolders don't. A file named twice is done once.

    Args:
        arguments: files and folders.

    Returns:
        The files in order, and one line for each folder without photos.
    """
    found: dict[str, Path] = {}
    problems: list[str] = []
    for argument in arguments:
        if not _is_folder(argument):
            found.setdefault(_key(argument), argument)
            continue
        try:
            inside = sorted(path for path in argument.iterdir() if _is_visible_photo(path))
        except OSError as error:
            problems.append(f"{shown(argument)}: folder cannot be read ({error.strerror}); check its permissions")
            continue
        if not inside:
            problems.append(f"{shown(argument)}: no photos in this folder; name one with {', '.join(SUFFIXES)} files")
        for path in inside:
            found.setdefault(_key(path), path)
    return list(found.values()), problems


def names_a_file(arguments: Sequence[Path], out: Path) -> bool:
    """Whether ``out`` is the one result of the one file named, rather than a folder for results."""
    return (
        len(arguments) == 1 and not _is_folder(arguments[0]) and not _is_folder(out) and out.suffix.lower() in SUFFIXES
    )


def plan(sources: Sequence[Path], out: Path, *, out_is_file: bool, compare: bool) -> list[Job]:
    """Decides the output files.

    Args:
        sources: the photos, from `find_photos`.
        out: the output file or folder.
        out_is_file: whether ``out`` is the output file itself, from `names_a_file`.
        compare: whether before/after pictures are wanted.

    Raises:
        typer.BadParameter: two inputs have one output, an output is an input, or ``out`` can't be the folder.
    """
    if not out_is_file and not _is_folder(out):
        if os.path.lexists(out):
            raise typer.BadParameter(f"{shown(out)} is a file; name a folder for these photos", param_hint="-o")
        if out.suffix.lower() in SUFFIXES:
            raise typer.BadParameter(
                f"{shown(out)} names one photo, but there are several or a folder; name a folder",
                param_hint="-o",
            )
    jobs = []
    for source in sources:
        target = out if out_is_file else out / _output_name(source)
        comparison = target.with_name(f"{target.stem}_compare.png") if compare else None
        jobs.append(Job(source=source, target=target, comparison=comparison))
    _refuse_clashes(jobs)
    return jobs


def _refuse_clashes(jobs: Sequence[Job]) -> None:
    inputs = {_real(job.source): job.source for job in jobs}
    owners: dict[str, Path] = {}
    for job in jobs:
        for output in job.outputs:
            if (source := inputs.get(_real(output))) is not None:
                raise typer.BadParameter(
                    f"the output {shown(output)} is the input {shown(source)} itself; choose another place",
                    param_hint="-o",
                )
            other = owners.setdefault(_key(output), job.source)
            if other is not job.source:
                raise typer.BadParameter(
                    f"{shown(other)} and {shown(job.source)} would both be written to {shown(output)};"
                    " do them one after another into two folders",
                    param_hint="PHOTO",
                )


def _output_name(source: Path) -> str:
    # A file is read by its content, so its name may say nothing that can be written; PNG holds any photo.
    return source.name if source.suffix.lower() in SUFFIXES else f"{source.name}.png"


def _is_visible_photo(path: Path) -> bool:
    # Names with a leading dot are other programs' side files, such as macOS's "._IMG_1.jpg".
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and not _is_folder(path)


def _is_folder(path: Path) -> bool:
    # pathlib's own raises for a name that is too long or may not be looked up.
    return os.path.isdir(path)  # noqa: PTH112


def _key(path: Path) -> str:
    # Where the system ignores letter case, so does this.
    return os.path.normcase(Path(os.path.abspath(path)))  # noqa: PTH100 - symbolic links stay different


def _real(path: Path) -> str:
    return os.path.normcase(os.path.realpath(path))
