"""Small clips: a portrait that moves, coded as a test needs it."""

from fractions import Fraction

import av
import numpy as np

from snadnet.faces import FaceDetector
from snadnet.video.synthetic import moving_portrait

TICKS = Fraction(1, 30000)
_OPTIONS = {
    "ffv1": {"level": "3", "slicecrc": "1"},
    # By its rate control x264 makes another clip each time, now and then one in which a face cannot be followed.
    "libx264": {"qp": "12"},
    "libx265": {"x265-params": "log-level=none"},
}


def portrait_clip(portrait, *, frames, size=(192, 160), seed=0, **options):
    """A clip of the tests' portrait, with its sharp frames and true landmarks."""
    detector = FaceDetector()
    face = detector.refine(portrait, detector.detect(portrait)[0])
    return moving_portrait(portrait, face.landmarks, frames=frames, size=size, seed=seed, **options)


def write_clip(
    path,
    frames,
    *,
    codec="ffv1",
    pixel_format="yuv420p",
    times=None,
    sound=False,
    rotation=None,
    tags=(1, 1, 1, 1),
    title=None,
    options=None,
):
    """Write uint8 RGB frames; ``times`` are in 1/30000 s, and ``options`` go before the codec's own."""
    height, width = frames[0].shape[:2]
    with av.open(str(path), "w") as output:
        video = output.add_stream(codec, rate=30, options=_OPTIONS.get(codec, {}) | (options or {}))
        video.width, video.height, video.pix_fmt = width, height, pixel_format
        video.codec_context.time_base = video.time_base = TICKS
        context = video.codec_context
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = tags
        if rotation is not None:
            video.set_display_rotation(rotation)
        tone = output.add_stream("aac", rate=44100) if sound else None
        if tone is not None:
            tone.layout = "mono"
        if title is not None:
            output.metadata["title"] = title
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels).reformat(
                format=pixel_format, dst_colorspace=1, dst_color_range=tags[0]
            )
            frame.colorspace, frame.color_range = tags[1], tags[0]
            frame.pts, frame.time_base = (1001 * number if times is None else times[number]), TICKS
            output.mux(video.encode(frame))
            if tone is not None:
                output.mux(tone.encode(_noise(number)))
        output.mux(video.encode())
        if tone is not None:
            output.mux(tone.encode())
    return path


def _noise(number):
    samples = np.random.default_rng(number).normal(0, 3000, (1, 1470)).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 44100, 1470 * number, Fraction(1, 44100)
    return frame


def damage_packet(path, number):
    """Overwrite the beginning of one of the video's packets."""
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][number]
    content = bytearray(path.read_bytes())
    content[packet.pos : packet.pos + 40] = b"\xff" * 40
    path.write_bytes(bytes(content))


def read_frames(path):
    """All frames of a clip."""
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def planes(frame):
    """The planes of a frame as arrays, without the padding of their lines."""
    arrays = []
    for plane in frame.planes:
        kind = np.dtype(np.uint8 if frame.format.components[0].bits <= 8 else "<u2")
        rows = np.frombuffer(plane, kind).reshape(plane.height, plane.line_size // kind.itemsize)
        arrays.append(rows[:, : plane.width].copy())
    return arrays


def sound_packets(path):
    """Time, length and content of each packet of the sound, the times in seconds."""
    with av.open(str(path)) as container:
        return [
            (float(packet.pts * packet.time_base), float(packet.duration * packet.time_base), bytes(packet))
            for packet in container.demux(audio=0)
            if packet.size
        ]
