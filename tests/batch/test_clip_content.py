import pytest

from snadnet.batch.clip_content import container_of, is_video

TRANSPORT = b"\x47" + bytes(187)


@pytest.mark.parametrize(
    ("head", "container"),
    [
        (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2", "mov"),
        (b"\0\0\0\x14ftypqt  \0\0\2\0", "mov"),
        (b"\0\0\x10\0moov\0\0", "mov"),
        (b"\x1a\x45\xdf\xa3\x9f\x42", "matroska"),
        (b"RIFF\0\0\0\0AVI LIST", "avi"),
        (TRANSPORT + TRANSPORT, "mpegts"),
        (b"\0\0\0\1" + TRANSPORT + b"\0\0\0\2" + TRANSPORT, "mpegts"),
        (b"\0\0\0\x20ftypavif\0\0\0\0", None),
        (b"\0\0\0\x20ftypheic\0\0\0\0", None),
        (b"\0\0\0\x20ftypmif1\0\0\0\0", None),
        (b"RIFF\0\0\0\0WEBPVP8 ", None),
        (b"\xff\xd8\xff\xe0", None),
        (b"\x89PNG\r\n\x1a\n", None),
        (b"#EXTM3U\nfile:///etc/passwd", None),
        (b"ffconcat version 1.0", None),
        (b"", None),
    ],
)
def test_the_content_says_which_container_it_is(head, container):
    assert container_of(head) == container


def test_what_cannot_be_read_is_no_video(tmp_path):
    (tmp_path / "clip.mp4").write_bytes(b"\xff\xd8\xff not a clip")
    assert not is_video(tmp_path / "clip.mp4")
    assert not is_video(tmp_path)
    assert not is_video(tmp_path / "absent.mp4")
    (tmp_path / "clip.jpg").write_bytes(b"\x1a\x45\xdf\xa3")
    assert is_video(tmp_path / "clip.jpg")
