"""The photos and clips that a command line names: files, folders and patterns in quotes."""

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from snadnet.batch.clip_content import VIDEO_SUFFIXES, is_video
from snadnet.batch.other_formats import unreadable_format
from snadnet.batch.paths import content_of, is_folder, place_of
from snadnet.photo import INPUT_SUFFIXES, SUFFIXES, printable, refused_url
from snadnet.photo.formats import HEIC_SUFFIXES

_WILDCARDS: Final = frozenset("*?[")
# HEIC counts without its extra too: reading it then fails with the remedy, rather than in silence.
PHOTO_SUFFIXES: Final = INPUT_SUFFIXES | frozenset(HEIC_SUFFIXES)
"""File name endings (lower case) of the files in a folder that are done."""


@dataclass(frozen=True)
class Source:
    """One photo or clip to do.

    Attributes:
        path: The file, or `snadnet.batch.streams.STREAM`.
        place: The folder that it goes to, below the output folder; empty for that folder itself.
        named: Whether the user named this very file, rather than a folder or pattern that it was found in.
        clip: Whether its content is a video.
    """

    path: Path
    place: Path = Path()
    named: bool = True
    clip: bool = False


@dataclass(frozen=True)
class Problem:
    """An argument that stands for no photo.

    Attributes:
        path: The argument, or a folder in it.
        message: One line that says what is wrong, with its name.
    """

    path: Path
    message: str


@dataclass(frozen=True)
class Found:
    """The photos and problems that a command line stands for.

    Attributes:
        sources: The photos in order, each of them once.
        problems: Arguments that count as failed before any work.
        notices: Lines for the user about what was left out on purpose.
        unreadable: Photos in folders whose formats are not read.
    """

    sources: tuple[Source, ...]
    problems: tuple[Problem, ...]
    notices: tuple[str, ...]
    unreadable: tuple[Path, ...] = ()

    @property
    def clips(self) -> tuple[Path, ...]:
        """The sources that are clips."""
        return tuple(source.path for source in self.sources if source.clip)


@dataclass(frozen=True)
class _Notice:
    line: str


@dataclass(frozen=True)
class _Unreadable:
    path: Path


@dataclass(frozen=True)
class _ClipInFolder:
    path: Path


_Item = Source | Problem | _Notice | _Unreadable | _ClipInFolder


def find_photos(arguments: Sequence[Path], *, recursive: bool = False, leave_out: Collection[Path] = ()) -> Found:
    """Find the photos that files, folders and patterns on the command line stand for.

    - A named file counts whatever its name, and so does a file that a pattern matches. It may be a clip.
    - Clips in a folder are left out, as a clip takes as long as hundreds of photos; a notice names them.
    - Of a folder count the visible files whose ending, in any letter case, is a photo's, in order of name. Photos
      in formats that are not read are listed apart.
      With ``recursive`` its visible subfolders count too, and the tree is kept; links to folders are not
      followed, so that a tree has an end.
    - A pattern (``*``, ``?``, ``[...]``, ``**`` for any subfolders) that is no file's name is expanded here, as
      the shell does not do it in quotes. What lies below its fixed part is kept as a tree.

    Args:
        arguments: Files, folders and patterns.
        recursive: Whether the subfolders of folders count.
        leave_out: Folders that are not looked into below others, such as the one for the results.
    """
    found: dict[str, Source] = {}
    problems: list[Problem] = []
    notices: list[str] = []
    unreadable: dict[str, Path] = {}
    clips: dict[str, Path] = {}
    closed = frozenset(content_of(folder) for folder in leave_out)
    for argument in arguments:
        for item in _stands_for(argument, recursive=recursive, closed=closed):
            match item:
                case Source():
                    found.setdefault(place_of(item.path), replace(item, clip=_is_clip(item)))
                case Problem():
                    problems.append(item)
                case _Notice():
                    notices.append(item.line)
                case _Unreadable():
                    unreadable.setdefault(place_of(item.path), item.path)
                case _ClipInFolder():
                    clips.setdefault(place_of(item.path), item.path)
    notices += _clips_in_words([path for place, path in clips.items() if place not in found])
    return Found(tuple(found.values()), tuple(problems), tuple(notices), tuple(unreadable.values()))


def names_one_file(arguments: Sequence[Path]) -> bool:
    """Whether the command line names exactly one file (or standard input), not a folder or a pattern."""
    return len(arguments) == 1 and not is_folder(arguments[0]) and not _is_pattern(arguments[0])


def stands_for_many(arguments: Sequence[Path]) -> bool:
    """Whether the command line names folders or patterns, not only files."""
    return any(is_folder(argument) or _is_pattern(argument) for argument in arguments)


def _stands_for(argument: Path, *, recursive: bool, closed: Collection[str]) -> Iterator[_Item]:
    if refusal := refused_url(argument):
        yield Problem(argument, refusal)
    elif is_folder(argument):
        yield from _in_folder(argument, recursive=recursive, closed=closed)
    elif _is_pattern(argument):
        yield from _matching(argument)
    else:
        yield Source(argument)


def _in_folder(folder: Path, *, recursive: bool, closed: Collection[str]) -> Iterator[_Item]:
    empty = True
    # A list rather than recursion, whose depth a hostile tree would choose.
    waiting = [Path()]
    while waiting:
        place = waiting.pop()
        subfolders: list[Path] = []
        try:
            with os.scandir(folder / place) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            empty = False
            line = f"{printable(folder / place)}: folder cannot be read ({error.strerror}); check its permissions"
            yield Problem(folder / place, line)
            continue
        for entry in entries:
            # Names with a leading dot are other programs' side files, such as macOS's "._IMG_1.jpg".
            if entry.name.startswith("."):
                continue
            path = folder / place / entry.name
            if not is_folder(path):
                if path.suffix.lower() in PHOTO_SUFFIXES:
                    empty = False
                    yield Source(path, place, named=False)
                elif unreadable_format(path) is not None:
                    yield _Unreadable(path)
                elif path.suffix.lower() in VIDEO_SUFFIXES and is_video(path):
                    yield _ClipInFolder(path)
            elif recursive and entry.is_symlink():
                yield _Notice(f"{printable(path)}: is a link to a folder and not followed; name it to do its photos")
            elif recursive and content_of(path) not in closed:
                subfolders.append(place / entry.name)
        waiting += reversed(subfolders)
    if empty:
        where = "in this folder or below" if recursive else "in this folder"
        yield Problem(folder, f"{printable(folder)}: no photos {where}; name one with {', '.join(SUFFIXES)} files")


def _matching(pattern: Path) -> Iterator[Source | Problem]:
    fixed = next(number for number, part in enumerate(pattern.parts) if _WILDCARDS & set(part))
    root, wild = Path(*pattern.parts[:fixed]), Path(*pattern.parts[fixed:])
    if ".." in wild.parts:  # a place in the output folder would be outside it
        yield Problem(pattern, f"{printable(pattern)}: '..' cannot follow a wildcard; write the folder out")
        return
    try:
        # pathlib's `**` does not follow links to folders, glob's does, even in circles.
        matches = sorted(path for path in root.glob(str(wild)) if not is_folder(path))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        yield Problem(pattern, f"{printable(pattern)}: cannot be looked up ({printable(reason)}); check the pattern")
        return
    with_hidden = any(part.startswith(".") for part in wild.parts)
    count = 0
    for path in matches:
        below = path.relative_to(root)
        if with_hidden or not any(part.startswith(".") for part in below.parts):
            count += 1
            yield Source(path, below.parent, named=False)
    if not count:
        yield Problem(pattern, f"{printable(pattern)}: no such file, and as a pattern it matches none; check the path")


def _is_clip(source: Source) -> bool:
    # What a folder or pattern found by a photo's name is not opened for this: there may be a million of them.
    return (source.named or source.path.suffix.lower() in VIDEO_SUFFIXES) and is_video(source.path)


def _clips_in_words(paths: Sequence[Path]) -> list[str]:
    if not paths:
        return []
    count = "1 clip" if len(paths) == 1 else f"{len(paths)} clips"
    return [f"{count} in folders left out, such as {printable(paths[0])}; name a clip to deblur it"]


def _is_pattern(path: Path) -> bool:
    # A file may well be called "photo[1].jpg": what is there is no pattern.
    return bool(_WILDCARDS & set(str(path))) and refused_url(path) is None and not os.path.lexists(path)
