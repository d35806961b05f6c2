"""Clips: their faces followed from frame to frame, restored, and their flicker damped. Needs ``snadnet[video]``.

    from snadnet.video import deblur_video

    result = deblur_video("shaky.mp4", "sharp.mp4")
    print(result.summary)

The result is an estimate, not evidence: do not identify people by it.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from snadnet.batch.clip_content import OUTPUT_CONTAINERS, VIDEO_SUFFIXES, is_video
from snadnet.concurrency import StopSignal, default_workers
from snadnet.errors import ConfigError
from snadnet.lazy import load_lazily
from snadnet.video.limits import MAX_CLIP_BYTES, MAX_FRAMES, VideoLimits

if TYPE_CHECKING:
    from snadnet.deblurrer import Deblurrer
    from snadnet.video.results import Progress, TrackedFace, VideoResult

__all__ = [
    "MAX_CLIP_BYTES",
    "MAX_FRAMES",
    "OUTPUT_CONTAINERS",
    "VIDEO_SUFFIXES",
    "Progress",
    "TrackedFace",
    "VideoLimits",
    "VideoResult",
    "deblur_video",
    "is_video",
    "require_video_extra",
]

# Each is loaded when it is first asked for.
__getattr__ = load_lazily(__name__, {"snadnet.video.results": ("Progress", "TrackedFace", "VideoResult")})

_LIMITS: Final = VideoLimits()


def require_video_extra() -> None:
    """Raise ConfigError, with the remedy, unless the package of ``snadnet[video]`` is installed."""
    if find_spec("av") is None:
        raise ConfigError("clips need one more package: pip install 'snadnet[video]'")


def deblur_video(
    source: str | Path,
    target: str | Path,
    *,
    deblurrer: "Deblurrer | None" = None,
    strength: float = 1.0,
    damping: bool = True,
    limits: VideoLimits = _LIMITS,
    overwrite: bool = False,
    strip_metadata: bool = False,
    workers: int | None = None,
    stop: StopSignal | None = None,
    progress: "Progress | None" = None,
) -> "VideoResult":
    """Deblur the faces in a clip.

    Frames keep their size, times and depth, and what no face's mask reaches is coded again as it was decoded. Sound,
    subtitles, rotation, colour tags and metadata are kept.

    The clip is done in parts, which are kept in a folder beside ``target`` until it is finished: a run that was
    stopped, however that happened, goes on where it was when it is called again with the same arguments, with the same
    result.

    Args:
        source: An MP4, MOV, Matroska, WebM, AVI or MPEG transport stream file, known by its content.
        target: The output; its ending names the container, one of `OUTPUT_CONTAINERS`.
        deblurrer: What finds and restores the faces; a new one with the released weights if None.
        strength: Part of the restoration that is applied, in [0, 1].
        damping: Damp the flicker by means over frames around; False restores each frame by itself, along smooth tracks.
        limits: What is read at most.
        overwrite: Replace an existing output.
        strip_metadata: Leave out titles, places and the like.
        workers: How many frames are searched and restored at a time; one for each core, and 4 at most, if None.
        stop: A request to stop, which may be made meanwhile.
        progress: Called with the number of finished frames and of all frames, 0 if that is unknown.

    Returns:
        What was done. Where no face was restored nothing is written, and its ``target`` is None.

    Raises:
        ConfigError: If the extra is not installed, or ``strength`` is out of range.
        VideoError: If the clip cannot be read, or the output cannot be written.
        OutputExistsError: If the output exists and ``overwrite`` is false.
        StoppedError: If a stop was requested (`snadnet.concurrency`).
    """
    require_video_extra()
    # Nothing heavy is loaded before it is needed.
    from snadnet.deblurrer import Deblurrer  # noqa: PLC0415
    from snadnet.faces import check_strength  # noqa: PLC0415

    check_strength(strength)
    from snadnet.video.deblur import VideoOptions, deblur_clip  # noqa: PLC0415 - needs the extra

    deblurrer = deblurrer or Deblurrer()
    options = VideoOptions(
        strength=strength,
        damping=damping,
        limits=limits,
        overwrite=overwrite,
        strip_metadata=strip_metadata,
        workers=workers or default_workers(),
    )
    return deblur_clip(
        Path(source), Path(target), deblurrer, options, stop=stop or StopSignal(), progress=progress or _no_progress
    )


def _no_progress(done: int, total: int) -> None:
    del done, total
