"""The finished clip: the coded parts with the sound, the times and the tags of the clip as it came."""

import heapq
import io
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import av
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from snadnet.errors import OutputExistsError, VideoError
from snadnet.photo import printable
from snadnet.video.encoding import Coding
from snadnet.video.parts import CodedPacket
from snadnet.video.reading import ClipReader

_OF_THE_CONTAINER: Final = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder"})
"""Metadata that describe the file as it came rather than what it shows."""

_MATROSKA: Final = frozenset({"matroska", "webm"})


def check_joining(reader: ClipReader, coding: Coding, container: str, *, strip_metadata: bool) -> tuple[str, ...]:
    """Try, before hours of work, whether the container takes the clip's sound.

    Returns:
        What is left out or changed, in plain words.

    Raises:
        VideoError: If it does not.
    """
    count = reader.left_out_streams()
    notes = [f"{count} further {'stream' if count == 1 else 'streams'} left out"] if count else []
    if container in _MATROSKA and coding.time_base.denominator > 1000:  # noqa: PLR2004 - a second in ms
        notes.append("Matroska keeps times to 1 ms")
    memory = av.open(io.BytesIO(), "w", format=container)
    try:
        _, copied = _streams(memory, reader, coding, strip_metadata=strip_metadata)
        memory.start_encoding()
    except (FFmpegError, ValueError, OSError) as error:
        kinds = ", ".join(sorted({_codec_name(stream) for stream in reader.copied_streams()})) or coding.encoder
        raise VideoError(
            f"{reader.name}: its streams ({printable(kinds)}) cannot be kept in {container}; write .mkv or .mp4"
        ) from error
    finally:
        with suppress(FFmpegError, ValueError, OSError):
            memory.close()
    missing = len(reader.copied_streams()) - len(copied)
    if missing:
        notes.append(f"subtitles left out, which {container} does not hold")
    return tuple(notes)


def join(
    reader: ClipReader,
    coding: Coding,
    packets: Iterable[CodedPacket],
    target: Path,
    container: str,
    *,
    strip_metadata: bool,
    overwrite: bool,
) -> None:
    """Write the finished clip beside its place, and move it there in one step.

    Args:
        reader: The clip as it came, freshly opened: its sound is copied packet by packet.
        coding: How the frames were coded.
        packets: The coded frames in order.
        target: The output file.
        container: FFmpeg's name of its container.
        strip_metadata: Leave out titles, places and the like.
        overwrite: Replace an existing file.

    Raises:
        OutputExistsError: If ``target`` exists and ``overwrite`` is false.
        VideoError: If it cannot be written.
    """
    temporary = target.with_name(f".{target.name[:40]}-{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb+") as file:
            with av.open(file, "w", format=container) as output:
                _write(output, reader, coding, packets, strip_metadata=strip_metadata)
            file.flush()
            os.fsync(file.fileno())
        if not overwrite and os.path.lexists(target):
            raise OutputExistsError(f"{printable(target)}: exists already; choose another name or pass --overwrite")
        temporary.replace(target)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, FFmpegError | OSError):
            reason = error.strerror or "input/output error"
            raise VideoError(
                f"{printable(target)}: cannot be written ({reason}); check the folder, its permissions and the free"
                " space"
            ) from error
        raise


def _write(
    output: "av.container.OutputContainer",
    reader: ClipReader,
    coding: Coding,
    packets: Iterable[CodedPacket],
    *,
    strip_metadata: bool,
) -> None:
    video, copied = _streams(output, reader, coding, strip_metadata=strip_metadata)
    output.start_encoding()

    def coded() -> "Iterator[tuple[float, int, Packet[Any]]]":
        for coded_frame in packets:
            packet: Packet[Any] = Packet(coded_frame.content)
            packet.pts, packet.dts, packet.duration = coded_frame.pts, coded_frame.dts, coded_frame.duration
            packet.time_base, packet.is_keyframe = coding.time_base, coded_frame.is_keyframe
            packet.stream = video
            yield float(coded_frame.dts * coding.time_base), 0, packet

    for _, _, packet in heapq.merge(coded(), _copied(reader, copied), key=lambda item: item[:2]):
        output.mux(packet)


def _copied(reader: ClipReader, streams: dict[int, Stream]) -> "Iterator[tuple[float, int, Packet[Any]]]":
    """The packets of the streams that are copied; a damaged end leaves the rest out."""
    if not streams:
        return
    sources = [stream for stream in reader.container.streams if stream.index in streams]
    last = float("-inf")
    with suppress(FFmpegError):
        for packet in reader.container.demux(*sources):
            time = packet.dts if packet.dts is not None else packet.pts
            if packet.size == 0 or time is None:
                continue
            # What FFmpeg merges by must not go back.
            last = max(last, float(time * packet.time_base))
            packet.stream = streams[packet.stream_index]
            yield last, 1, packet


def _streams(
    output: "av.container.OutputContainer", reader: ClipReader, coding: Coding, *, strip_metadata: bool
) -> tuple[Stream, dict[int, Stream]]:
    """Add the video, and the streams that are copied, by their number in the clip."""
    video = output.add_stream(coding.encoder, rate=coding.rate)
    assert isinstance(video, VideoStream)
    coding.apply(video.codec_context)
    video.time_base = coding.time_base
    if coding.matrix is not None:
        video.set_display_matrix(coding.matrix)
    copied: dict[int, Stream] = {}
    for stream in reader.copied_streams():
        try:
            copied[stream.index] = output.add_stream_from_template(stream)
        except ValueError:
            if stream.type == "audio":
                raise
            continue
        copied[stream.index].disposition = stream.disposition
    pairs = [(video, reader.stream), *((copied[s.index], s) for s in reader.copied_streams() if s.index in copied)]
    for made, stream in pairs:
        made.metadata.update(
            {key: value for key, value in stream.metadata.items() if key == "language" or not strip_metadata}
        )
    if not strip_metadata:
        about = reader.container.metadata
        output.metadata.update({key: value for key, value in about.items() if key not in _OF_THE_CONTAINER})
        if chapters := reader.container.chapters():
            output.set_chapters(chapters)
    return video, copied


def _codec_name(stream: Stream) -> str:
    context = getattr(stream, "codec_context", None)
    return "unknown" if context is None else str(context.name)
