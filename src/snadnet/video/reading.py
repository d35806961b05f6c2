"""Reading a clip: containers and decoders from a list, limits first, and damage passed over."""

import math
import stat
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NoReturn, Self

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from snadnet.batch.clip_content import HEAD_BYTES, container_of
from snadnet.errors import VideoError
from snadnet.photo import printable, refused_url
from snadnet.video.limits import VideoLimits

_VIDEO_DECODERS: Final = (
    "h264 hevc vp8 vp9 libvpx libvpx-vp9 av1 libdav1d mpeg4 mpeg1video mpeg2video mjpeg h263 prores dnxhd dvvideo ffv1"
    " rawvideo huffyuv ffvhuff utvideo"
)
# Sound is copied, not decoded; FFmpeg asks these for what a header leaves open.
_AUDIO_DECODERS: Final = (
    "aac aac_latm mp3 mp3float mp2 mp2float ac3 eac3 opus vorbis flac alac amrnb amrwb pcm_s16le pcm_s16be pcm_s24le"
    " pcm_s24be pcm_s32le pcm_s32be pcm_u8 pcm_f32le pcm_alaw pcm_mulaw"
)
_HDR: Final = {16: "PQ", 18: "HLG"}  # ITU-T H.273, transfer characteristics
_MOST_READING_ERRORS: Final = 100
_USUAL_RATE: Final = Fraction(30)
_CHANGE: Final = 1 << 16  # one in the numbers of a display matrix


class ClipReader:
    """An open clip.

    Args:
        path: A regular file.
        limits: What is read at most.

    Attributes:
        name: The path as errors say it.
        container: The open file.
        stream: The video that is decoded: the first that is not a cover picture.
        rate: Frames a second on average, as the header says or guesses.
        declared: How many frames the header promises; 0 where it does not say.
        damaged: How many packets and frames could not be decoded, or only in part, so far.
        count: How many frames have been decoded so far.

    Raises:
        VideoError: If the file is missing, no clip, damaged, over a limit, or of a kind that is not read.
    """

    def __init__(self, path: Path, limits: VideoLimits) -> None:
        self.name = printable(path)
        self.limits = limits
        self.damaged = 0
        self.count = 0
        self._file = _opened(path, self.name, limits)
        try:
            self.container = self._open_container()
            self.stream = self._video_stream()
            self._check()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.container.close()
        self._file.close()

    @property
    def rate(self) -> Fraction:
        """Frames a second on average, as the header says or guesses."""
        rate = self.stream.average_rate or self.stream.guessed_rate
        return Fraction(rate).limit_denominator(1_000_000) if rate else _USUAL_RATE

    @property
    def declared(self) -> int:
        """How many frames the header promises; 0 where it does not say."""
        if self.stream.frames > 0:
            return self.stream.frames
        length = self.stream.duration
        seconds = float(length * self.stream.time_base) if length and self.stream.time_base else None
        if seconds is None and self.container.duration:
            seconds = self.container.duration / av.time_base
        return max(0, round(seconds * self.rate)) if seconds and math.isfinite(seconds) else 0

    def copied_streams(self) -> list[Stream]:
        """The streams besides the video whose packets are copied: sound and subtitles."""
        return [stream for stream in self.container.streams if stream.type in ("audio", "subtitle")]

    def left_out_streams(self) -> int:
        """How many streams are neither restored nor copied: further videos, cover pictures, data."""
        return len(self.container.streams) - len(self.copied_streams()) - 1

    def frames(self) -> Iterator[VideoFrame]:
        """Decode the video. What is damaged is counted in ``damaged`` and passed over.

        Yields:
            Frames in the order of their times, which grow; all of one size.

        Raises:
            VideoError: If there are too many frames, or the frames change their size.
        """
        last: int | None = None
        size: tuple[int, int] | None = None
        for frame in self._decoded():
            self.count += 1
            if self.count > self.limits.max_frames:
                self._refuse_length(f"has more than {self.limits.max_frames} frames")
            size = size or (frame.width, frame.height)
            if (frame.width, frame.height) != size:
                raise VideoError(
                    f"{self.name}: changes its size from {size[0]} x {size[1]} to {frame.width} x {frame.height} px"
                    f" at frame {self.count}; cut it there and do the parts"
                )
            step = frame.duration or max(1, round(1 / (self.rate * (self.stream.time_base or 1))))
            if frame.pts is None or (last is not None and frame.pts <= last):
                frame.pts = 0 if last is None else last + step
            last = frame.pts
            yield frame

    def _decoded(self) -> Iterator[VideoFrame]:
        for packet in self._packets():
            try:
                frames = packet.decode()
            except FFmpegError:
                self.damaged += 1
                continue
            for frame in frames:
                self.damaged += frame.is_corrupt
                yield frame

    def _packets(self) -> Iterator["Packet[VideoStream]"]:
        """The video's packets, with an empty one at the end; goes on after errors, within reason."""
        for _ in range(_MOST_READING_ERRORS):
            try:
                yield from self.container.demux(self.stream)
            except FFmpegError:
                self.damaged += 1
            else:
                return

    def _open_container(self) -> InputContainer:
        head = self._file.read(HEAD_BYTES)
        self._file.seek(0)
        container = container_of(head)
        if container is None:
            raise VideoError(f"{self.name}: is not a video that can be read; give an MP4, MOV, MKV, WebM or AVI file")
        options = {
            # Neither other files nor the network, whatever a clip refers to.
            "protocol_whitelist": "none",
            "codec_whitelist": ",".join(f"{_VIDEO_DECODERS} {_AUDIO_DECODERS}".split()),
        }
        try:
            opened: InputContainer = av.open(
                self._file, "r", format=container, options=options, metadata_errors="replace", io_open=_refuse_to_open
            )
        except (FFmpegError, ValueError, OSError) as error:
            raise VideoError(f"{self.name}: is damaged or cut short; copy it again from its source") from error
        return opened

    def _video_stream(self) -> VideoStream:
        streams = [s for s in self.container.streams.video if not s.disposition & Disposition.attached_pic]
        if not streams:
            raise VideoError(f"{self.name}: has no video in it; give a clip that shows something")
        return streams[0]

    def _check(self) -> None:
        context = self.stream.codec_context
        codec = context.name if context is not None else "an unknown codec"
        if codec not in _VIDEO_DECODERS.split():
            raise VideoError(
                f"{self.name}: is coded as {printable(codec)}, which is not read; convert it to H.264 in MP4"
            )
        width, height = context.width, context.height
        if width < 1 or height < 1 or context.pix_fmt is None:
            raise VideoError(f"{self.name}: has no frames that can be read; copy it again from its source")
        if width * height > self.limits.max_pixels:
            raise VideoError(
                f"{self.name}: has frames of {width} x {height} pixels ({width * height / 1e6:.1f} Mpx), more than the"
                f" limit of {self.limits.max_pixels / 1e6:g} Mpx; make it smaller, or raise --max-pixels"
            )
        if context.color_trc in _HDR:
            raise VideoError(
                f"{self.name}: is a clip of high dynamic range ({_HDR[context.color_trc]}), which would lose its"
                " brightness here; convert it to ordinary range"
            )
        if self.declared > self.limits.max_frames:
            self._refuse_length(f"has {self.declared} frames, more than the limit of {self.limits.max_frames}")
        context.thread_type = "AUTO"

    def _refuse_length(self, what: str) -> NoReturn:
        raise VideoError(f"{self.name}: {what}; cut it into parts, or raise --max-frames")


def display_matrix(frame: VideoFrame) -> tuple[int, ...] | None:
    """The nine numbers by which a player turns or mirrors the frame; None where it shows it as it is stored."""
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return None
    values: NDArray[np.int32] = np.frombuffer(bytes(data), np.int32)
    return tuple(int(value) for value in values) if values.size == 9 else None  # noqa: PLR2004


def quarter_turns(matrix: tuple[int, ...] | None) -> int:
    """How many right angles to the left a player turns the frame; 0 for other angles, and mirroring is left out."""
    if matrix is None:
        return 0
    # The first column is where the row direction goes; y grows downwards.
    across, down = matrix[0] / _CHANGE, matrix[1] / _CHANGE
    if matrix[0] * matrix[4] - matrix[1] * matrix[3] < 0:
        across, down = -across, -down
    angle = math.degrees(math.atan2(-down, across))
    turns = round(angle / 90)
    return turns % 4 if abs(angle - 90 * turns) < 1 else 0


def _opened(path: Path, name: str, limits: VideoLimits) -> Any:  # noqa: ANN401 - a binary file
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise VideoError(f"{name}: is not a regular file; give a video file")
        if status.st_size > limits.max_file_bytes:
            raise VideoError(
                f"{name}: is {status.st_size / 1e6:.1f} MB large, more than the limit of"
                f" {limits.max_file_bytes / 1e6:g} MB; cut it, or raise --max-clip-size"
            )
        return path.open("rb")
    except FileNotFoundError as error:
        raise VideoError(refused_url(path) or f"{name}: no such file; check the path") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a valid path"
        raise VideoError(f"{name}: cannot be opened ({reason}); check the path and its permissions") from error


def _refuse_to_open(url: str, flags: int, options: dict[str, str]) -> NoReturn:
    del flags, options
    raise OSError(f"a clip refers to {printable(url)[:80]}, which is not opened")
