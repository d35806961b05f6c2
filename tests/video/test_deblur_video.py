"""Whole clips, on a network that only brightens."""

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from snadnet import Deblurrer
from snadnet.concurrency import StoppedError, StopSignal
from snadnet.errors import ConfigError, OutputExistsError, VideoError
from snadnet.video import VideoLimits, deblur_video

pytest.importorskip("av", reason="needs the extra: pip install 'snadnet[video]'")

import av

from snadnet.video.planes import to_rgb
from support.clips import damage_packet, planes, portrait_clip, read_frames, sound_packets, write_clip


@pytest.fixture(scope="module")
def deblurrer(tiny_network):
    return Deblurrer(weights=tiny_network, device="cpu")


@pytest.fixture(scope="module")
def clip(portrait):
    return portrait_clip(portrait, frames=10)


@pytest.fixture
def source(tmp_path, clip):
    return write_clip(tmp_path / "in.mkv", clip.blurred)


def test_the_face_changes_and_the_rest_stays_to_the_bit(tmp_path, deblurrer, clip, source):
    done = []
    result = deblur_video(
        source,
        tmp_path / "out.mkv",
        deblurrer=deblurrer,
        damping=False,
        progress=lambda *counts: done.append(counts),
    )
    assert (result.frames, result.restored_frames, result.damaged) == (10, 10, 0)
    assert done[0] == (0, 10)
    assert done[-1] == (10, 10)
    (face,) = result.faces
    assert (face.number, face.frames, face.restored, face.reason) == (1, 10, 10, None)
    assert result.summary == "10 frames, 1 face: 1 restored in 10 frames"
    for before, after, landmarks in zip(
        read_frames(source), read_frames(tmp_path / "out.mkv"), clip.landmarks, strict=True
    ):
        change = planes(after)[0].astype(int) - planes(before)[0]
        x, y = np.rint(landmarks.mean(axis=0)).astype(int)
        assert np.median(change[y - 8 : y + 8, x - 8 : x + 8]) == pytest.approx(0.1 * 219, abs=2)
        for was, now in zip(planes(before), planes(after), strict=True):
            assert np.array_equal(was[-4:], now[-4:])
            assert np.array_equal(was[:, :4], now[:, :4])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mkv", "out.mkv"]


def test_sound_times_rotation_and_tags_are_kept(tmp_path, deblurrer, clip):
    turned = [np.ascontiguousarray(np.rot90(pixels, -1)) for pixels in clip.blurred]
    times = [0, 1001, 2202, 3203, 4604, 5605, 6606, 9607, 9708, 11009]
    source = write_clip(
        tmp_path / "in.mp4",
        turned,
        codec="libx264",
        times=times,
        sound=True,
        rotation=90,
        tags=(1, 6, 5, 6),
        title="A walk",
    )
    result = deblur_video(source, tmp_path / "out.mp4", deblurrer=deblurrer)
    assert result.restored_frames == 10
    assert result.notes == ()
    assert sound_packets(tmp_path / "out.mp4") == sound_packets(source)
    frames = read_frames(tmp_path / "out.mp4")
    assert [frame.pts * frame.time_base for frame in frames] == [Fraction(time, 30000) for time in times]
    assert {frame.rotation for frame in frames} == {90}
    with av.open(str(tmp_path / "out.mp4")) as output:
        context = output.streams.video[0].codec_context
        tags = (context.color_range, context.colorspace, context.color_primaries, context.color_trc)
        assert tags == (1, 6, 5, 6)
        assert output.metadata["title"] == "A walk"
        assert context.name == "h264"
    (face,) = result.faces
    assert face.size > 40
    bare = deblur_video(source, tmp_path / "bare.mp4", deblurrer=deblurrer, strip_metadata=True)
    assert bare.target is not None
    with av.open(str(tmp_path / "bare.mp4")) as output:
        assert "title" not in output.metadata


@pytest.mark.parametrize(
    ("coded", "expected"),
    [
        (("libx265", "yuv420p10le", "mp4"), ("hevc", "yuv420p10le", ())),
        (("prores_ks", "yuv422p10le", "mov"), ("prores", "yuv422p10le", ())),
        (("libvpx-vp9", "yuv420p", "webm"), ("vp9", "yuv420p", ())),
        (("libsvtav1", "yuv420p10le", "mp4"), ("libdav1d", "yuv420p10le", ())),
        (("mjpeg", "yuvj420p", "mkv"), ("mjpeg", "yuvj420p", ())),
        (("mpeg4", "yuv420p", "mp4"), ("h264", "yuv420p", ("coded as H.264 instead of mpeg4",))),
    ],
)
def test_codec_and_depth_are_kept(tmp_path, deblurrer, clip, coded, expected):
    codec, pixel_format, suffix = coded
    full = pixel_format.startswith("yuvj")
    source = write_clip(
        tmp_path / f"in.{suffix}",
        clip.sharp[:4],
        codec=codec,
        pixel_format=pixel_format,
        tags=(2 if full else 1, 1, 1, 1),
    )
    result = deblur_video(source, tmp_path / f"out.{suffix}", deblurrer=deblurrer)
    with av.open(str(result.target)) as output:
        context = output.streams.video[0].codec_context
        frames = list(output.decode(video=0))
        decoder = "libdav1d" if context.name == "av1" else context.name
    assert (decoder, frames[0].format.name, result.notes) == expected
    assert len(frames) == 4


def test_an_odd_size_keeps_its_size(tmp_path, deblurrer, clip):
    odd = [np.ascontiguousarray(pixels[:159, :191]) for pixels in clip.sharp[:4]]
    source = write_clip(tmp_path / "in.mkv", odd)
    for name, notes in (("out.mkv", ()), ("out.mp4", ("its odd size needs 4:4:4 colour",))):
        coded = (
            source
            if name == "out.mkv"
            else write_clip(tmp_path / "odd.avi", odd, codec="mjpeg", pixel_format="yuvj420p")
        )
        result = deblur_video(coded, tmp_path / name, deblurrer=deblurrer)
        frame = read_frames(result.target)[0]
        assert (frame.width, frame.height) == (191, 159)
        del notes


def test_rgb_keeps_its_colours(tmp_path, deblurrer, clip):
    striped = [pixels.copy() for pixels in clip.sharp[:4]]
    for pixels in striped:
        pixels[:16] = 200, 40, 60
    source = write_clip(tmp_path / "in.avi", striped, codec="rawvideo", pixel_format="bgr24")
    result = deblur_video(source, tmp_path / "out.mkv", deblurrer=deblurrer)
    assert result.restored_frames == 4
    for frame in read_frames(result.target):
        assert frame.format.name == "yuv444p"
        stripe = to_rgb(frame, 0)[:12].reshape(-1, 3).mean(axis=0)
        assert stripe == pytest.approx([200, 40, 60], abs=3)


def test_a_clip_without_a_face_leaves_nothing(tmp_path, deblurrer):
    source = write_clip(tmp_path / "in.mkv", [np.full((96, 128, 3), 90, np.uint8)] * 3)
    result = deblur_video(source, tmp_path / "out.mkv", deblurrer=deblurrer)
    assert (result.target, result.frames, result.faces) == (None, 3, ())
    assert result.summary == "3 frames, no face found"
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]


def test_strength_zero_changes_nothing(tmp_path, deblurrer, clip):
    source = write_clip(tmp_path / "in.mkv", clip.blurred[:3])
    deblur_video(source, tmp_path / "out.mkv", deblurrer=deblurrer, strength=0)
    for before, after in zip(read_frames(source), read_frames(tmp_path / "out.mkv"), strict=True):
        assert all(map(np.array_equal, planes(before), planes(after)))
    with pytest.raises(ConfigError, match="strength"):
        deblur_video(source, tmp_path / "other.mkv", deblurrer=deblurrer, strength=2)


class StopAfter(StopSignal):
    """Requests a stop at a number of finished frames."""

    def __init__(self, frames):
        super().__init__()
        self.frames = frames

    def progress(self, done, total):
        del total
        if done >= self.frames:
            self.request("the test")


def test_a_stopped_run_goes_on_with_the_same_result(tmp_path, deblurrer, source, monkeypatch):
    monkeypatch.setattr("snadnet.video.deblur.PART_FRAMES", 3)
    whole = deblur_video(source, tmp_path / "whole.mkv", deblurrer=deblurrer)
    stop = StopAfter(7)
    with pytest.raises(StoppedError):
        deblur_video(source, tmp_path / "out.mkv", deblurrer=deblurrer, stop=stop, progress=stop.progress)
    assert not (tmp_path / "out.mkv").exists()
    assert (tmp_path / ".out.mkv.parts" / "part-000001").exists()
    done = []
    result = deblur_video(
        source, tmp_path / "out.mkv", deblurrer=deblurrer, progress=lambda count, _: done.append(count)
    )
    assert result.continued_from == 6
    assert done[0] == 6
    assert result.faces == whole.faces
    for expected, got in zip(read_frames(tmp_path / "whole.mkv"), read_frames(tmp_path / "out.mkv"), strict=True):
        assert expected.pts == got.pts
        assert all(map(np.array_equal, planes(expected), planes(got)))
    assert not (tmp_path / ".out.mkv.parts").exists()


def test_the_number_of_workers_does_not_matter(tmp_path, deblurrer, source):
    for workers in (1, 3):
        deblur_video(source, tmp_path / f"{workers}.mkv", deblurrer=deblurrer, workers=workers)
    for first, second in zip(read_frames(tmp_path / "1.mkv"), read_frames(tmp_path / "3.mkv"), strict=True):
        assert all(map(np.array_equal, planes(first), planes(second)))


def test_outputs_are_refused_before_any_work(tmp_path, deblurrer, source):
    (tmp_path / "there.mkv").write_text("mine")
    with pytest.raises(OutputExistsError, match="exists already"):
        deblur_video(source, tmp_path / "there.mkv", deblurrer=deblurrer)
    assert (tmp_path / "there.mkv").read_text() == "mine"
    with pytest.raises(VideoError, match="is the clip itself"):
        deblur_video(source, source, deblurrer=deblurrer, overwrite=True)
    with pytest.raises(VideoError, match=r"end the name with one of \.mp4"):
        deblur_video(source, tmp_path / "out.gif", deblurrer=deblurrer)


def test_sound_that_the_container_cannot_hold_is_refused_before_any_work(tmp_path, deblurrer, clip):
    source = write_clip(tmp_path / "in.mp4", clip.blurred[:2], codec="libx264", sound=True)
    with pytest.raises(VideoError, match=r"its streams \(aac\) cannot be kept in webm"):
        deblur_video(source, tmp_path / "out.webm", deblurrer=deblurrer)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_damage_is_counted_and_the_rest_is_restored(tmp_path, deblurrer, clip):
    source = write_clip(tmp_path / "in.mp4", clip.blurred, codec="libx264", options={"bf": "0"})
    damage_packet(source, 4)
    result = deblur_video(source, tmp_path / "out.mp4", deblurrer=deblurrer)
    assert result.damaged >= 1
    assert result.restored_frames >= 8
    assert any("damaged" in note for note in result.notes)


def test_limits_are_heeded(tmp_path, deblurrer, source):
    with pytest.raises(VideoError, match="--max-frames"):
        deblur_video(source, tmp_path / "out.mkv", deblurrer=deblurrer, limits=VideoLimits(max_frames=5))


def test_the_package_is_imported_without_the_extra_which_is_then_asked_for():
    code = (
        "import sys; sys.modules['av'] = None\n"
        "import importlib.util; find = importlib.util.find_spec\n"
        "import snadnet.video as video\n"
        "video.find_spec = lambda name: None\n"
        "try:\n    video.deblur_video('a.mp4', 'b.mp4')\n"
        "except Exception as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "clips need one more package: pip install 'snadnet[video]'\n", done.stderr
