"""A clip from file to file: restored part by part, then joined with its sound."""

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from snadnet import __version__
from snadnet.batch.clip_content import OUTPUT_CONTAINERS, OUTPUT_SUFFIXES_IN_WORDS
from snadnet.concurrency import StopSignal
from snadnet.deblurrer import Deblurrer
from snadnet.errors import OutputExistsError, VideoError
from snadnet.faces import Face
from snadnet.files import sha256_of
from snadnet.photo import printable
from snadnet.video.damping import DampedMoment
from snadnet.video.encoding import Coding, choose_coding, encode
from snadnet.video.joining import check_joining, join
from snadnet.video.limits import VideoLimits
from snadnet.video.parts import PART_FRAMES, CodedPacket, FaceInFrame, PartRecord, PartsFolder
from snadnet.video.planes import as_format
from snadnet.video.reading import ClipReader, quarter_turns
from snadnet.video.restoring import RUN_UP, RestoringOptions, restore_frames
from snadnet.video.results import Progress, VideoResult, summarize

_MOST_OF_IT: Final = 0.9


@dataclass(frozen=True)
class VideoOptions:
    """How a clip is deblurred; `snadnet.video.deblur_video` says what each means."""

    strength: float
    damping: bool
    limits: VideoLimits
    overwrite: bool
    strip_metadata: bool
    workers: int


def deblur_clip(
    source: Path, target: Path, deblurrer: Deblurrer, options: VideoOptions, *, stop: StopSignal, progress: Progress
) -> VideoResult:
    """Deblur a clip; see `snadnet.video.deblur_video`.

    Raises:
        StoppedError: If a stop was requested; what is finished stays for the next run.
    """
    container = checked_target(source, target, overwrite=options.overwrite)
    with ClipReader(source, options.limits) as reader:
        first = next(reader.frames(), None)
        if first is None:
            raise VideoError(f"{reader.name}: has no frames that can be read; copy it again from its source")
        coding = choose_coding(reader, first, container)
        notes = (*coding.notes, *check_joining(reader, coding, container, strip_metadata=options.strip_metadata))
    parts = PartsFolder(target, _run(source, deblurrer, options, coding))
    finished = parts.begin()
    with ClipReader(source, options.limits) as reader:
        total = reader.declared
        count = _Restoring(reader, coding, parts, deblurrer, options).run(finished, stop, progress)
    records = [parts.record(number) for number in range(count)]
    frames, restored, faces, damaged = summarize(records)
    # What the header says is often an estimate, or counts frames that are cut off on purpose.
    if frames < total and (damaged or frames < _MOST_OF_IT * total):
        notes = (f"{frames} frames could be read, where its header says {total}", *notes)
    if damaged:
        notes = (f"{damaged} damaged {'place' if damaged == 1 else 'places'} passed over", *notes)
    written = None
    if restored:
        with stop.writing(), ClipReader(source, options.limits) as reader:
            join(
                reader,
                coding,
                parts.packets(count),
                target,
                container,
                strip_metadata=options.strip_metadata,
                overwrite=options.overwrite,
            )
        written = target
    parts.remove()
    return VideoResult(written, frames, restored, faces, damaged, finished * PART_FRAMES, notes)


def checked_target(source: Path, target: Path, *, overwrite: bool) -> str:
    """Return FFmpeg's name of the output's container.

    Raises:
        VideoError: If its ending names none, it is the clip itself, or its folder cannot be made.
        OutputExistsError: If it exists and must not be replaced.
    """
    name = printable(target)
    container = OUTPUT_CONTAINERS.get(target.suffix.lower())
    if container is None:
        raise VideoError(f"{name}: unknown video format; end the name with one of {OUTPUT_SUFFIXES_IN_WORDS}")
    if os.path.realpath(source) == os.path.realpath(target):
        raise VideoError(f"{name}: is the clip itself; choose another name")
    if os.path.lexists(target) and not overwrite:
        raise OutputExistsError(f"{name}: exists already; choose another name or pass --overwrite")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VideoError(f"{name}: its folder cannot be made ({error.strerror}); choose another place") from error
    return container


def _run(source: Path, deblurrer: Deblurrer, options: VideoOptions, coding: Coding) -> dict[str, Any]:
    """What finished parts must have been made from and by to be gone on with."""
    network, status = deblurrer.network, source.stat()
    weights = getattr(network, "path", None)
    return {
        "versions": [__version__, av.__version__],
        "source": [os.path.realpath(source), status.st_size, status.st_mtime_ns],
        "network": [type(network).__name__, network.model, network.device, str(weights)],
        "weights": None if weights is None else sha256_of(Path(weights)),
        "faces": [deblurrer.min_face, deblurrer.max_faces, deblurrer.detector.min_confidence],
        "settings": [options.strength, options.damping],
        "coding": str(coding),
    }


@dataclass(frozen=True)
class _Restoring:
    """The frames of a clip, restored and written part by part."""

    reader: ClipReader
    coding: Coding
    parts: PartsFolder
    deblurrer: Deblurrer
    options: VideoOptions

    def run(self, finished: int, stop: StopSignal, progress: Progress) -> int:
        """Restore what is not finished; return how many parts there are.

        Raises:
            StoppedError: If a stop was requested.
        """
        start = finished * PART_FRAMES
        writer = _PartWriter(self.parts, self.coding, self.reader, number=finished)
        progress(start, self.reader.declared)
        moments = restore_frames(
            _frames_from(self.reader, self.coding, max(0, start - RUN_UP)),
            quarter_turns(self.coding.matrix),
            self.deblurrer,
            RestoringOptions(self.options.strength, self.options.damping, self.options.workers),
            known=_known(self.parts, finished),
            stop=stop,
        )
        done = start
        with closing(moments):
            for moment in moments:
                stop.check()
                if moment.aligned.moment.index >= start:
                    writer.add(moment)
                    done += 1
                    progress(done, self.reader.declared)
        stop.check()
        return writer.finish()


def _frames_from(reader: ClipReader, coding: Coding, start: int) -> Iterator[tuple[int, VideoFrame]]:
    for index, frame in islice(enumerate(reader.frames()), start, None):
        yield index, as_format(frame, coding.pixel_format)


def _known(parts: PartsFolder, finished: int) -> dict[int, dict[int, Face]]:
    """The numbers of the faces in the frames before those that are to be done."""
    known: dict[int, dict[int, Face]] = {}
    for number in range(finished):
        for face in parts.record(number).faces:
            if face.landmarks:
                known.setdefault(face.frame, {})[face.number] = _face(face)
    return known


def _face(face: FaceInFrame) -> Face:
    x, y, width, height = face.box
    return Face((x, y, width, height), np.array(face.landmarks, np.float32).reshape(5, 2), 1.0)


@dataclass
class _PartWriter:
    """Codes frames, and writes a part whenever one is full."""

    parts: PartsFolder
    coding: Coding
    reader: ClipReader
    number: int
    context: VideoCodecContext | None = None
    packets: list[CodedPacket] = field(default_factory=list)
    faces: list[FaceInFrame] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    durations: dict[int, int] = field(default_factory=dict)

    def add(self, moment: DampedMoment) -> None:
        """Code a frame."""
        frame = moment.aligned.moment.frame
        self.context = self.context or self.coding.encoder_context()
        frame.time_base = self.coding.time_base
        self.durations[frame.pts or 0] = frame.duration
        self.packets.extend(encode(self.context, frame))
        self.faces.extend(_faces_in(moment))
        self.times.append(float((frame.pts or 0) * self.coding.time_base))
        if len(self.times) == PART_FRAMES:
            self.finish()

    def finish(self) -> int:
        """Write what there is as a part; return how many parts there are."""
        if self.context is not None:
            self.packets.extend(encode(self.context, None))
            # An encoder counts on a steady rate.
            packets = [
                packet._replace(duration=self.durations.get(packet.pts) or packet.duration) for packet in self.packets
            ]
            record = PartRecord(len(self.times), self.times[0], self.times[-1], self.reader.damaged, tuple(self.faces))
            self.parts.write(self.number, record, packets)
            self.number += 1
        self.context = None
        self.packets, self.faces, self.times, self.durations = [], [], [], {}
        return self.number


def _faces_in(moment: DampedMoment) -> Iterator[FaceInFrame]:
    index, seen = moment.aligned.moment.index, moment.aligned.moment.seen
    for face in moment.aligned.faces:
        flicker = moment.flicker.get(face.number)
        landmarks = seen[face.number].landmarks.ravel().tolist() if face.number in seen else ()
        yield FaceInFrame(
            frame=index,
            number=face.number,
            box=tuple(round(value, 2) for value in face.box),
            landmarks=tuple(landmarks),
            reason=face.reason,
            before=None if flicker is None else flicker.before,
            after=None if flicker is None else flicker.after,
        )
