import io

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("av", reason="needs the extra: pip install 'snadnet[video]'")

import av

from snadnet.errors import VideoError
from snadnet.video.limits import VideoLimits
from snadnet.video.planes import to_rgb
from snadnet.video.reading import ClipReader, display_matrix, quarter_turns
from support.clips import damage_packet, portrait_clip, read_frames, write_clip


@pytest.fixture(scope="module")
def frames(portrait):
    return portrait_clip(portrait, frames=10).blurred


def read(path, **limits):
    with ClipReader(path, VideoLimits(**limits)) as reader:
        return list(reader.frames()), reader


@pytest.mark.parametrize(
    ("suffix", "codec", "pixel_format"),
    [
        ("mp4", "libx264", "yuv420p"),
        ("mov", "prores_ks", "yuv422p10le"),
        ("mkv", "ffv1", "yuv420p"),
        ("webm", "libvpx-vp9", "yuv420p"),
        ("avi", "mjpeg", "yuvj420p"),
        ("ts", "libx264", "yuv420p"),
        ("mp4", "libx265", "yuv420p10le"),
        ("mp4", "libsvtav1", "yuv420p"),
    ],
)
def test_each_container_and_codec_is_read(tmp_path, frames, suffix, codec, pixel_format):
    path = write_clip(tmp_path / f"clip.{suffix}", frames[:4], codec=codec, pixel_format=pixel_format)
    got, reader = read(path)
    assert len(got) == 4
    assert reader.damaged == 0
    assert got[0].format.name == pixel_format
    times = [frame.pts for frame in got]
    assert times == sorted(set(times))


def test_times_are_those_of_the_clip(tmp_path, frames):
    times = [0, 1001, 2300, 2400, 6000]
    got, _ = read(write_clip(tmp_path / "clip.mp4", frames[:5], codec="libx264", times=times))
    assert [round(frame.pts * frame.time_base * 30000) for frame in got] == times


def photo_bytes():
    memory = io.BytesIO()
    Image.new("RGB", (64, 64)).save(memory, "JPEG")
    return memory.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (photo_bytes(), "is not a video"),
        (b"", "is not a video"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "is not a video"),
        (b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "is not a video"),
        (b"\0\0\0\x18ftypisom\0\0\2\0isomiso2", "is damaged or cut short|has no video"),
        (b"\x1a\x45\xdf\xa3" + bytes(200), "is damaged or cut short|has no video"),
        (b"RIFF\xff\xff\xff\xffAVI LIST" + bytes(100), "is damaged or cut short|has no video"),
    ],
)
def test_what_is_no_clip_is_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(VideoError, match=rf"clip\.mp4: ({message})") as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_missing_files_folders_and_urls_are_named(tmp_path):
    with pytest.raises(VideoError, match="no such file"):
        read(tmp_path / "absent.mp4")
    with pytest.raises(VideoError, match="not a regular file"):
        read(tmp_path)


def test_sound_alone_is_no_clip(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as output:
        tone = output.add_stream("aac", rate=44100)
        tone.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.int16), format="s16", layout="mono")
        frame.sample_rate = 44100
        output.mux(tone.encode(frame))
        output.mux(tone.encode())
    with pytest.raises(VideoError, match="has no video in it"):
        read(path)


def test_a_codec_that_is_not_read_is_named(tmp_path, frames):
    path = write_clip(tmp_path / "clip.avi", frames[:2], codec="wmv2")
    with pytest.raises(VideoError, match=r"clip\.avi: is coded as wmv2, which is not read; convert it to H\.264"):
        read(path)


def test_a_clip_without_frames_is_refused(tmp_path):
    with av.open(str(tmp_path / "clip.mkv"), "w") as output:
        video = output.add_stream("ffv1", rate=30)
        video.width = video.height = 64
        output.start_encoding()
    with pytest.raises(VideoError, match="is damaged or cut short"):
        read(tmp_path / "clip.mkv")


def test_a_clip_that_is_cut_short_gives_what_is_there(tmp_path, frames):
    path = write_clip(tmp_path / "clip.mkv", frames)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    got, _ = read(path)
    assert 2 <= len(got) < 10


def test_an_mp4_whose_end_is_missing_is_damaged(tmp_path, frames):
    path = write_clip(tmp_path / "clip.mp4", frames, codec="libx264")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(VideoError, match="is damaged or cut short"):
        read(path)


def test_damage_in_the_middle_does_not_end_it(tmp_path, frames):
    path = write_clip(tmp_path / "clip.mp4", frames, codec="libx264", options={"bf": "0"})
    last = read_frames(path)[-1].pts
    damage_packet(path, 4)
    got, reader = read(path)
    assert reader.damaged >= 1
    assert len(got) >= 9
    assert got[-1].pts == last


def test_limits_are_asked_before_and_while_it_is_decoded(tmp_path, frames):
    path = write_clip(tmp_path / "clip.mkv", frames)
    with pytest.raises(VideoError, match=r"MB large, more than the limit of 0\.01 MB; .* --max-clip-size"):
        read(path, max_file_bytes=10_000)
    with pytest.raises(VideoError, match=r"frames of 192 x 160 pixels .* --max-pixels"):
        read(path, max_pixels=192 * 160 - 1)
    with pytest.raises(VideoError, match=r"has .* frames.* --max-frames"):
        read(path, max_frames=9)
    assert len(read(path, max_frames=10)[0]) == 10


def test_high_dynamic_range_is_refused(tmp_path, frames):
    path = write_clip(
        tmp_path / "clip.mp4", frames[:4], codec="libx265", pixel_format="yuv420p10le", tags=(1, 9, 9, 16)
    )
    with pytest.raises(VideoError, match=r"high dynamic range \(PQ\)"):
        read(path)


def test_a_clip_that_changes_its_size_is_refused(tmp_path, frames):
    small = [np.ascontiguousarray(pixels[:96, :96]) for pixels in frames[:3]]
    joined = b"".join(
        write_clip(tmp_path / f"{k}.ts", part, codec="libx264", options={"bf": "0"}).read_bytes()
        for k, part in enumerate((frames[:3], small))
    )
    (tmp_path / "clip.ts").write_bytes(joined)
    with pytest.raises(VideoError, match="changes its size from 192 x 160 to 96 x 96 px at frame 4"):
        read(tmp_path / "clip.ts")


@pytest.mark.parametrize(("rotation", "turns"), [(None, 0), (90, 1), (180, 2), (-90, 3), (30, 0)])
def test_rotation_is_read_as_right_angles_to_the_left(tmp_path, frames, rotation, turns):
    path = write_clip(tmp_path / "clip.mp4", frames[:1], codec="libx264", rotation=rotation)
    (frame,), _ = read(path)
    assert quarter_turns(display_matrix(frame)) == turns


def test_the_turned_frame_is_the_one_that_a_player_shows(tmp_path, frames):
    stored = [np.ascontiguousarray(np.rot90(pixels, -1)) for pixels in frames[:1]]
    (frame,), _ = read(write_clip(tmp_path / "clip.mp4", stored, codec="libx264", rotation=90, options={"qp": "4"}))
    seen = to_rgb(frame, quarter_turns(display_matrix(frame)))
    assert np.abs(seen.astype(int) - frames[0]).mean() < 6


def test_a_mirrored_clip_is_turned_as_it_is_without_the_mirror():
    one = 1 << 16
    assert quarter_turns((-one, 0, 0, 0, one, 0, 0, 0, 1 << 30)) == 0
    assert quarter_turns((0, one, 0, one, 0, 0, 0, 0, 1 << 30)) in (1, 3)
