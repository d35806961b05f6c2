"""How a clip's frames are coded again: the clip's own codec where there is an encoder of it, at its own depth."""

import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

import av
from av.codec import Codec
from av.codec.context import Flags
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.format import VideoFormat
from av.video.frame import VideoFrame

from snadnet.errors import VideoError
from snadnet.video.parts import CodedPacket
from snadnet.video.planes import Colours, is_planar
from snadnet.video.reading import ClipReader, display_matrix

# Packets stay in the order of the frames (no B-frames), so that parts of a clip that were coded apart can be joined.
# The number of threads is fixed where the bytes depend on it.
_OPTIONS: Final[dict[str, dict[str, str]]] = {
    "libx264": {"crf": "16", "preset": "medium", "bf": "0", "threads": "4"},
    "libx265": {"crf": "18", "preset": "medium", "x265-params": "bframes=0:frame-threads=2:log-level=error"},
    "libvpx-vp9": {"crf": "20", "b": "0", "deadline": "good", "cpu-used": "3", "auto-alt-ref": "0", "threads": "4"},
    "libvpx": {"crf": "8", "b": "20000000", "deadline": "good", "cpu-used": "3", "auto-alt-ref": "0", "threads": "4"},
    "libsvtav1": {"crf": "22", "preset": "8", "svtav1-params": "pred-struct=1"},
    "ffv1": {"level": "3", "slicecrc": "1", "threads": "1"},
    "mjpeg": {"qmin": "2", "qmax": "2", "threads": "1"},
    "prores_ks": {"profile": "3", "threads": "1"},
}
_ENCODER_OF: Final = {
    "h264": "libx264",
    "hevc": "libx265",
    "vp9": "libvpx-vp9",
    "vp8": "libvpx",
    "av1": "libsvtav1",
    "ffv1": "ffv1",
    "mjpeg": "mjpeg",
    "prores": "prores_ks",
}
_LOSSLESS: Final = frozenset({"ffv1"})
# They take no frame whose halved chroma would have half a sample.
_EVEN_ONLY: Final = frozenset({"libx264", "libx265", "libsvtav1"})
_OTHERS: Final = ("libx264", "libx265")
_OTHERS_IN_WEBM: Final = ("libvpx-vp9", "libsvtav1")
_DEPTHS: Final = (8, 10, 12, 16)
_IN_WORDS: Final = {"h264": "H.264", "hevc": "H.265", "vp9": "VP9", "vp8": "VP8", "av1": "AV1", "ffv1": "FFV1"}
_BYTE_BITS: Final = 8


@dataclass(frozen=True)
class Coding:
    """How the frames are coded.

    Attributes:
        encoder: FFmpeg's name of the encoder.
        pixel_format: FFmpeg's name of the frames' format.
        width: Of the stored frames, in pixels.
        height: Likewise.
        time_base: Unit of the frames' times, in seconds.
        rate: Frames a second on average.
        aspect: Width of a pixel over its height.
        tags: Range, matrix, primaries and transfer characteristics, as ITU-T H.273 numbers them.
        matrix: By which a player turns the frames (`snadnet.video.reading.display_matrix`).
        notes: What is not as in the clip, in plain words.
    """

    encoder: str
    pixel_format: str
    width: int
    height: int
    time_base: Fraction
    rate: Fraction
    aspect: Fraction | None
    tags: tuple[int, int, int, int]
    matrix: tuple[int, ...] | None
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def lossless(self) -> bool:
        """Whether coding changes no sample."""
        return self.encoder in _LOSSLESS

    def apply(self, context: Any) -> None:  # noqa: ANN401 - a stream passes attributes on to its codec context
        """Set up an encoder that is not open yet."""
        if self.encoder == "libsvtav1":
            # It has no other way to be kept from telling its settings on standard error.
            os.environ.setdefault("SVT_LOG", "1")
        context.width, context.height, context.pix_fmt = self.width, self.height, self.pixel_format
        context.time_base, context.framerate = self.time_base, self.rate
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = self.tags
        if self.aspect is not None:
            context.sample_aspect_ratio = self.aspect
        context.options = dict(_OPTIONS[self.encoder])
        context.flags |= Flags.global_header

    def encoder_context(self) -> VideoCodecContext:
        """Return an encoder for a part of the clip."""
        context = av.CodecContext.create(self.encoder, "w")
        assert isinstance(context, VideoCodecContext)
        self.apply(context)
        return context


def choose_coding(reader: ClipReader, first: VideoFrame, container: str) -> Coding:
    """Return how a clip's frames are coded again.

    Args:
        reader: The clip.
        first: Its first frame.
        container: FFmpeg's name of the container that is written.

    Raises:
        VideoError: If the container cannot hold any codec that there is an encoder for.
    """
    own = Codec(reader.stream.codec_context.name, "r").canonical_name
    others = _OTHERS_IN_WEBM if container == "webm" else _OTHERS
    names = dict.fromkeys((*filter(None, (_ENCODER_OF.get(own),)), *others))
    usable = [codec for name in names if (codec := _encoder(name, container)) is not None]
    depth = max(component.bits for component in first.format.components)
    for bits in dict.fromkeys((depth, _BYTE_BITS)):
        for codec in usable:
            pixel_format = _pixel_format(codec, first, bits)
            if pixel_format is not None:
                return _coding(reader, first, codec, pixel_format, _notes(own, codec, first, pixel_format))
    raise VideoError(
        f"{reader.name}: cannot be coded again with this installation; install PyAV from PyPI: pip install av"
    )


def encode(context: VideoCodecContext, frame: VideoFrame | None) -> Iterator[CodedPacket]:
    """Yield the packets of a frame, or with None the rest."""
    if frame is not None:
        frame.pict_type = 0  # of the clip's own coding
    for packet in context.encode(frame):
        pts = packet.pts if packet.pts is not None else packet.dts
        assert pts is not None
        dts = packet.dts if packet.dts is not None else pts
        yield CodedPacket(pts, dts, packet.duration or 0, packet.is_keyframe, bytes(packet))


def _encoder(name: str, container: str) -> Codec | None:
    try:
        codec = Codec(name, "w")
    except (FFmpegError, ValueError):
        return None
    with av.open(io.BytesIO(), "w", format=container) as output:
        return codec if codec.canonical_name in output.supported_codecs else None


def _pixel_format(codec: Codec, frame: VideoFrame, bits: int) -> str | None:
    """The format nearest to a frame's that an encoder takes and `add_change` changes; None if it loses more bits."""
    offered = [each for each in codec.video_formats or () if is_planar(each)]
    names = {each.name for each in offered}
    if bits == max(component.bits for component in frame.format.components):
        same = frame.format.name
        if same in names and is_planar(frame.format) and _fits(codec, frame.format, frame):
            return same
    for name in _similar(frame.format, bits):
        if name in names and _fits(codec, VideoFormat(name, frame.width, frame.height), frame):
            return name
    return None


def _similar(own: VideoFormat, bits: int) -> Sequence[str]:
    """Names of formats to try, those that lose least first."""
    halved = "420" in own.name or own.name.startswith(("nv12", "nv21", "p010"))
    layouts = ("420", "444", "422") if halved else ("444", "422", "420")
    endings = ["" if depth == _BYTE_BITS else f"{depth}le" for depth in _DEPTHS if depth >= bits]
    return [f"yuv{layout}p{ending}" for ending in endings for layout in layouts]


def _fits(codec: Codec, pixel_format: VideoFormat, frame: VideoFrame) -> bool:
    if codec.name not in _EVEN_ONLY or len(pixel_format.components) < 3:  # noqa: PLR2004 - grey
        return True
    chroma = VideoFormat(pixel_format.name, 16, 16).components[1]
    return not (frame.width % (16 // chroma.width) or frame.height % (16 // chroma.height))


def _coding(reader: ClipReader, first: VideoFrame, codec: Codec, pixel_format: str, notes: tuple[str, ...]) -> Coding:
    colours = Colours.of(first)
    tags = (first.color_range, first.colorspace, first.color_primaries, first.color_trc)
    if first.format.is_rgb:
        tags = (1, colours.matrix, first.color_primaries, first.color_trc)
    time_base = reader.stream.time_base or 1 / reader.rate
    aspect = reader.stream.sample_aspect_ratio
    return Coding(
        encoder=codec.name,
        pixel_format=pixel_format,
        width=first.width,
        height=first.height,
        time_base=time_base,
        rate=reader.rate,
        aspect=aspect if aspect else None,
        tags=tags,
        matrix=display_matrix(first),
        notes=notes,
    )


def _notes(own: str, codec: Codec, first: VideoFrame, pixel_format: str) -> tuple[str, ...]:
    notes = []
    if codec.canonical_name != own:
        notes.append(f"coded as {_IN_WORDS.get(codec.canonical_name, codec.canonical_name)} instead of {own}")
    before = max(component.bits for component in first.format.components)
    after = max(component.bits for component in VideoFormat(pixel_format).components)
    if after < before:
        notes.append(f"{before} bits a sample became {after}")
    if "420" in first.format.name and "444" in pixel_format:
        notes.append("its odd size needs 4:4:4 colour")
    return tuple(notes)
