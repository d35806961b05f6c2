"""Where each result goes: settled and checked for all photos before any work."""

import os
import re
import string
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from snadnet.batch.inputs import Source, names_one_file, stands_for_many
from snadnet.batch.other_formats import unwritable_format
from snadnet.batch.paths import content_of, is_folder, place_of
from snadnet.batch.streams import STREAM
from snadnet.errors import UsageError
from snadnet.photo import SUFFIXES, is_url, printable

DEFAULT_TEMPLATE: Final = "{stem}{suffix}"
"""Names of the results in a folder of their own."""

BESIDE_TEMPLATE: Final = "{stem}_deblurred{suffix}"
"""Names of the results beside their sources."""

_FIELDS: Final = ("stem", "suffix", "parent")
_FACE_IMAGE: Final = re.compile(r"(?P<stem>.+)_face\d+_(before|after|kernel)\.png", re.DOTALL)
_UNSEEN_SUFFIX: Final = ".png"  # holds any photo, where a file's own name says nothing that can be written


@dataclass(frozen=True)
class Layout:
    """The outputs of a run, and their places.

    Attributes:
        out: The folder for the results, the one output file, or `STREAM` for standard output; None for results
            beside their sources.
        out_is_file: Whether ``out`` is the output file itself.
        template: The name of a result, from `checked_template`.
        compare: Whether a before/after image is wanted beside the result.
        boxes: Whether an image with the faces' boxes is wanted beside the result.
        faces: The folder for images of the single faces, or None if none are wanted.
        kernels: The folder for images of the faces' blur kernels, or None if none are wanted.
    """

    out: Path | None
    out_is_file: bool = False
    template: str = DEFAULT_TEMPLATE
    compare: bool = False
    boxes: bool = False
    faces: Path | None = None
    kernels: Path | None = None


@dataclass(frozen=True)
class Job:
    """One photo to do.

    Attributes:
        source: The input file, or `STREAM`.
        target: The output file, or `STREAM`.
        comparison: Where the before/after image goes, or None if none is wanted.
        boxes: Where the image with the faces' boxes goes, or None if none is wanted.
        faces: What the names of the faces' images begin with, or None if none are wanted.
        kernels: The same of the images of their kernels.
    """

    source: Path
    target: Path
    comparison: Path | None = None
    boxes: Path | None = None
    faces: Path | None = None
    kernels: Path | None = None

    @property
    def beginnings(self) -> tuple[Path, ...]:
        """What the names of all images of single faces begin with."""
        return tuple(path for path in (self.faces, self.kernels) if path is not None)

    @property
    def outputs(self) -> tuple[Path, ...]:
        """The files whose names are known beforehand, the result itself first."""
        return tuple(path for path in (self.target, self.comparison, self.boxes) if path is not None)

    def face_outputs(self, number: int) -> tuple[Path, Path]:
        """Return the files for the images of a face, before and after; the first face has the number 1."""
        if self.faces is None:
            raise ValueError("no images of faces are wanted")
        start = f"{self.faces.name}_face{number}"
        return self.faces.with_name(f"{start}_before.png"), self.faces.with_name(f"{start}_after.png")

    def kernel_output(self, number: int) -> Path:
        """Return the file for the image of a face's kernel; the first face has the number 1."""
        if self.kernels is None:
            raise ValueError("no images of kernels are wanted")
        return self.kernels.with_name(f"{self.kernels.name}_face{number}_kernel.png")


def chosen_layout(
    photos: Sequence[Path],
    out: Path | None,
    template: str | None,
    *,
    compare: bool,
    boxes: bool,
    faces: Path | None,
    kernels: Path | None,
) -> Layout:
    """Return the layout that the options ask for.

    Args:
        photos: The photos as they were given.
        out: The output as it was given, or None if it was not.
        template: The name of a result as it was given, or None if it was not.
        compare: As in `Layout`.
        boxes: As in `Layout`.
        faces: As in `Layout`.
        kernels: As in `Layout`.

    Raises:
        UsageError: If the output cannot be written, is missing, or has a name already and gets another.
    """
    out_is_file = False
    if out is None:
        if stands_for_many(photos):
            raise UsageError(
                "the results of folders and patterns need a folder; name one, such as -o out", argument="--output"
            )
    elif out != STREAM and not is_folder(out):
        if (unwritable := unwritable_format(out)) is not None:
            raise UsageError(
                f"{printable(out)}: {unwritable} cannot be written; end the name with one of {', '.join(SUFFIXES)}",
                argument="--output",
            )
        out_is_file = names_one_file(photos) and out.suffix.lower() in SUFFIXES
    if template is not None and (out_is_file or out == STREAM):
        raise UsageError("the result has a name already, by -o; name a folder there", argument="--name")
    default = BESIDE_TEMPLATE if out is None else DEFAULT_TEMPLATE
    return Layout(
        out=out,
        out_is_file=out_is_file,
        template=checked_template(default if template is None else template),
        compare=compare,
        boxes=boxes,
        faces=faces,
        kernels=kernels,
    )


def checked_template(text: str) -> str:
    """Return the output template, if it makes plain file names.

    It is text with the fields ``{stem}``, ``{suffix}`` (with its dot) and ``{parent}`` (name of the input's folder).

    Raises:
        UsageError: If a field is unknown, or the name would not be a photo's or would lead to another folder.
    """
    if "/" in text or "\\" in text or not text.isprintable():
        raise UsageError(f"{printable(text)!r} must be a file name, without folders", argument="--name")
    try:
        fields = [field for field in string.Formatter().parse(text) if field[1] is not None]
    except ValueError as error:
        raise UsageError(f"{text!r}: {error}; write braces that are no field twice", argument="--name") from error
    for _, name, form, conversion in fields:
        # No "{stem.x}", "{stem!r}" or "{stem:>9999999}": a template is a name and no program.
        if name not in _FIELDS or form or conversion:
            known = ", ".join(f"{{{field}}}" for field in _FIELDS)
            raise UsageError(f"{text!r} has an unknown field; there are {known}", argument="--name")
    example = text.format(stem="a", suffix=".png", parent="b")
    if Path(example).suffix.lower() not in SUFFIXES:
        raise UsageError(f"{text!r} must end in {{suffix}} or one of {', '.join(SUFFIXES)}", argument="--name")
    return text


def plan(sources: Sequence[Source], layout: Layout, *, overwrite: bool = False) -> tuple[list[Job], list[str]]:
    """Choose the output files.

    A photo that was found in a folder, and whose name is that of another one's result, is left out: results
    lie beside their sources then, and are no photos to do in the next run. With ``overwrite`` it is refused
    instead, as nobody can know that it is not a photo that is there only once.

    Args:
        sources: The photos.
        layout: The outputs, and their places.
        overwrite: Whether existing results will be replaced.

    Returns:
        The photos to do, and a line about those left out, if there are any.

    Raises:
        UsageError: If two inputs have one output, an output is an input, or a place cannot be written.
    """
    folder = None if layout.out == STREAM or layout.out_is_file else layout.out
    if folder is not None and not is_url(folder):
        _check_folder(folder)
    for option, place in (("--save-faces", layout.faces), ("--save-kernels", layout.kernels)):
        if place is not None and os.path.lexists(place) and not is_folder(place):
            raise UsageError(f"{printable(place)} is a file; name a folder", argument=option)
    jobs = {_job(source, layout): source for source in sources}
    left_out = set() if overwrite else _results_of_others(jobs)
    kept = [job for job, source in jobs.items() if source not in left_out]
    _refuse_clashes(kept)
    if folder is not None:
        _refuse_escapes({job.target.parent for job in kept}, folder)
    if layout.faces is not None:
        _refuse_escapes({job.faces.parent for job in kept if job.faces is not None}, layout.faces)
    if layout.kernels is not None:
        _refuse_escapes({job.kernels.parent for job in kept if job.kernels is not None}, layout.kernels)
    return kept, _left_out_in_words(sorted(source.path for source in left_out))


def refuse_to_replace(inputs: Iterable[Path], outputs: Iterable[Path]) -> None:
    """Refuse an output that is an input, whatever the user allows to be replaced.

    Raises:
        UsageError: If one is, also through a link.
    """
    sources = {content_of(path): path for path in inputs if path != STREAM}
    for output in outputs:
        if output != STREAM and (source := sources.get(content_of(output))) is not None:
            raise UsageError(
                f"the output {printable(output)} is the input {printable(source)} itself; choose another place",
                argument="-o",
            )


def refuse_reports(jobs: Sequence[Job], reports: Sequence[Path]) -> None:
    """Refuse a report that is an input, a result or another report.

    Raises:
        UsageError: If one is.
    """
    refuse_to_replace((job.source for job in jobs), reports)
    taken = [place_of(output) for job in jobs for output in job.outputs] + [place_of(path) for path in reports]
    for path in reports:
        if taken.count(place_of(path)) > 1:
            raise UsageError(f"{printable(path)} is to be written twice; give another name", argument="--json")


def _job(source: Source, layout: Layout) -> Job:
    if layout.out is None:
        target = source.path.with_name(_result_name(source.path, layout.template))
    elif layout.out_is_file or layout.out == STREAM:
        target = layout.out
    else:
        target = layout.out / source.place / _result_name(source.path, layout.template)
    # Without a name of its own, a face from standard input to standard output is called after the former.
    stem = target.stem if target != STREAM else "stdin" if source.path == STREAM else source.path.stem
    return Job(
        source=source.path,
        target=target,
        comparison=target.with_name(f"{stem}_compare.png") if layout.compare else None,
        boxes=target.with_name(f"{stem}_boxes.png") if layout.boxes else None,
        faces=layout.faces / source.place / stem if layout.faces is not None else None,
        kernels=layout.kernels / source.place / stem if layout.kernels is not None else None,
    )


def _result_name(source: Path, template: str) -> str:
    # A file is read by its content, so its name may say nothing that can be written.
    known = source.suffix.lower() in SUFFIXES
    stem, suffix = (source.stem, source.suffix) if known else (source.name, _UNSEEN_SUFFIX)
    parent = Path(os.path.abspath(source)).parent.name  # noqa: PTH100 - has no "..", and links keep their names
    return template.format(stem=stem, suffix=suffix, parent=parent)


def _check_folder(out: Path) -> None:
    # Once, before hours of work in which every result would fail.
    above = next(folder for folder in (out.absolute(), *out.absolute().parents) if os.path.lexists(folder))
    if is_folder(above) and not os.access(above, os.W_OK | os.X_OK):
        raise UsageError(
            f"{printable(out)} cannot be written; check the permissions of {printable(above)}", argument="-o"
        )
    if is_folder(out):
        return
    if os.path.lexists(out):
        raise UsageError(f"{printable(out)} is a file; name a folder for these photos", argument="-o")
    if out.suffix.lower() in SUFFIXES:
        raise UsageError(
            f"{printable(out)} names one photo, but there are several or a folder; name a folder", argument="-o"
        )


def _results_of_others(jobs: dict[Job, Source]) -> set[Source]:
    owners = {content_of(output): job for job in jobs for output in job.outputs if output != STREAM}
    return {
        source
        for job, source in jobs.items()
        if not source.named and owners.get(content_of(source.path), job) is not job
    }


def _left_out_in_words(paths: Sequence[Path]) -> list[str]:
    if not paths:
        return []
    count = "1 photo" if len(paths) == 1 else f"{len(paths)} photos"
    return [f"{count} left out that would be results of others, such as {printable(paths[0])}; name them to do them"]


def _refuse_clashes(jobs: Collection[Job]) -> None:
    refuse_to_replace((job.source for job in jobs), (output for job in jobs for output in job.outputs))
    owners: dict[str, Path] = {}
    for job in jobs:
        # The beginning of their names stands for the images of faces, whose number nobody knows yet.
        for output in (*job.outputs, *job.beginnings):
            other = owners.setdefault(place_of(output), job.source)
            if other is not job.source:
                raise UsageError(
                    f"{printable(other)} and {printable(job.source)} would both be written to {printable(output)};"
                    " do them one after another into two folders, or tell them apart by --name",
                    argument="PHOTO",
                )
    beginnings = {content_of(beginning) for job in jobs for beginning in job.beginnings}
    for path in (path for job in jobs for path in (job.source, *job.outputs)):
        name = _FACE_IMAGE.fullmatch(path.name)
        if name is not None and content_of(path.with_name(name["stem"])) in beginnings:
            raise UsageError(
                f"{printable(path)} has the name of a face's image; choose another folder",
                argument="--save-faces or --save-kernels",
            )


def _refuse_escapes(folders: Collection[Path], out: Path) -> None:
    """Refuse a link inside the output folder that leads results out of it."""
    root = content_of(out)
    for folder in sorted(folders):
        if os.path.commonpath([root, content_of(folder)]) != root:
            raise UsageError(f"{printable(folder)} leads out of {printable(out)}; remove that link", argument="-o")
