"""The photos that folders of a ``pyarrow.fs`` file system hold, by the rules of `snadnet.batch.inputs`."""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from pyarrow import fs

from snadnet.batch.clip_content import HEAD_BYTES, VIDEO_SUFFIXES, container_of
from snadnet.batch.inputs import PHOTO_SUFFIXES, Found, Problem, Source
from snadnet.batch.other_formats import unreadable_format
from snadnet.photo import SUFFIXES, printable


def find_files(
    filesystem: fs.FileSystem,
    inner_path: Callable[[fs.FileSystem, Path], str],
    arguments: Sequence[Path],
    *,
    recursive: bool,
    leave_out: Collection[Path],
) -> Found:
    """Find the photos that files and folders of a file system stand for; patterns are not expanded.

    Args:
        filesystem: Where they are.
        inner_path: Gives the file system's own name of a path.
        arguments: Files and folders, such as "s3:/bucket/photos".
        recursive: Whether the subfolders of folders count.
        leave_out: Folders that are not looked into below others.
    """
    sources: dict[Path, Source] = {}
    unreadable: dict[Path, None] = {}
    problems: list[Problem] = []
    for argument in arguments:
        try:
            info = filesystem.get_file_info(inner_path(filesystem, argument))
            if info.type == fs.FileType.NotFound:
                problems.append(Problem(argument, f"{printable(argument)}: no such file or folder; check the path"))
            elif info.type != fs.FileType.Directory:
                sources.setdefault(argument, Source(argument, clip=_is_clip(filesystem, info)))
            else:
                photos = _in_folder(filesystem, inner_path, argument, recursive=recursive, leave_out=leave_out)
                found = sorted(photos, key=lambda source: (source.place.parts, source.path.name))
                if not found:
                    problems.append(_empty(argument, recursive=recursive))
                for source in found:
                    if unreadable_format(source.path) is not None:
                        unreadable.setdefault(source.path)
                    else:
                        sources.setdefault(source.path, source)
        except (OSError, ValueError) as error:
            line = printable(str(error).partition("\n")[0])[:300]
            problems.append(Problem(argument, f"{printable(argument)}: cannot be looked up ({line})"))
    return Found(tuple(sources.values()), tuple(problems), (), tuple(unreadable))


def _in_folder(
    filesystem: fs.FileSystem,
    inner_path: Callable[[fs.FileSystem, Path], str],
    folder: Path,
    *,
    recursive: bool,
    leave_out: Collection[Path],
) -> Iterator[Source]:
    root = inner_path(filesystem, folder)
    closed = [path.relative_to(folder) for path in leave_out if path.is_relative_to(folder) and path != folder]
    for info in filesystem.get_file_info(fs.FileSelector(root, recursive=recursive)):
        below = Path(info.path[len(root) :].strip("/"))
        if info.type != fs.FileType.File or any(part.startswith(".") for part in below.parts):
            continue
        if any(below.is_relative_to(each) for each in closed):
            continue
        if below.suffix.lower() in PHOTO_SUFFIXES or unreadable_format(below) is not None:
            yield Source(folder / below, below.parent, named=False)


def _is_clip(filesystem: fs.FileSystem, info: fs.FileInfo) -> bool:
    # Of other names nothing is read here: a worker says what they hold instead of a photo.
    if Path(info.path).suffix.lower() not in VIDEO_SUFFIXES:
        return False
    with filesystem.open_input_file(info.path) as file:
        return container_of(file.read(HEAD_BYTES)) is not None


def _empty(folder: Path, *, recursive: bool) -> Problem:
    where = "in this folder or below" if recursive else "in this folder"
    return Problem(folder, f"{printable(folder)}: no photos {where}; name one with {', '.join(SUFFIXES)} files")
