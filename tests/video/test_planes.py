import numpy as np
import pytest

pytest.importorskip("av", reason="needs the extra: pip install 'snadnet[video]'")

import av

from snadnet.faces.warp import transform
from snadnet.video.planes import add_change, as_format, is_planar, to_rgb, turning
from support.clips import planes

# Kr and Kb of ITU-R BT.709, BT.601 and BT.2020, by the codes of ITU-T H.273.
MATRICES = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}


def blocks(seed=0, size=(64, 96)):
    """Even colours in blocks of 16 px, so that halved chroma loses nothing."""
    colours = np.random.default_rng(seed).integers(60, 200, (size[0] // 16, size[1] // 16, 3))
    return np.kron(colours, np.ones((16, 16, 1))).astype(np.uint8)


def luma_and_chroma(rgb, matrix, full, bits=8):
    """By the definitions, in float64."""
    kr, kb = MATRICES[matrix]
    r, g, b = np.moveaxis(rgb / 255, -1, 0)
    luma = kr * r + (1 - kr - kb) * g + kb * b
    cb, cr = (b - luma) / (2 * (1 - kb)), (r - luma) / (2 * (1 - kr))
    if full:
        top = 2**bits - 1
        return luma * top, cb * top + 2 ** (bits - 1), cr * top + 2 ** (bits - 1)
    unit = 2 ** (bits - 8)
    return (219 * luma + 16) * unit, (224 * cb + 128) * unit, (224 * cr + 128) * unit


def frame_of(rgb, *, matrix=1, full=False, pixel_format="yuv420p"):
    height, width = rgb.shape[:2]
    frame = av.VideoFrame(width, height, pixel_format)
    bits = frame.format.components[0].bits
    kind = np.uint8 if bits == 8 else np.uint16
    for plane, values in zip(frame.planes, luma_and_chroma(rgb, matrix, full, bits), strict=False):
        rows = np.frombuffer(plane, kind).reshape(plane.height, -1)
        across, down = round(width / plane.width), round(height / plane.height)
        rows[:, : plane.width] = np.rint(values[::down, ::across]).clip(0, 2**bits - 1)
    frame.colorspace, frame.color_range = matrix, 2 if full else 1
    return frame


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("full", [False, True])
def test_colours_are_those_of_the_matrix_and_the_range(matrix, full):
    rgb = blocks()
    assert np.abs(to_rgb(frame_of(rgb, matrix=matrix, full=full), 0).astype(int) - rgb).mean() < 1.5


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv444p10le", "gray"])
@pytest.mark.parametrize("full", [False, True])
def test_an_added_change_is_that_of_the_definitions(pixel_format, full):
    before, after = blocks(0), blocks(1)
    frame = frame_of(before, full=full, pixel_format=pixel_format)
    add_change(frame, (after.astype(np.float32) - before) / 255, 0, 0)
    for got, expected in zip(planes(frame), planes(frame_of(after, full=full, pixel_format=pixel_format)), strict=True):
        assert np.abs(got.astype(int) - expected).max() <= 2


def test_samples_outside_the_part_stay_to_the_bit():
    frame = frame_of(blocks())
    before = planes(frame)
    add_change(frame, np.full((16, 24, 3), 0.1, np.float32), 32, 16)
    for scale, was, now in zip((1, 2, 2), before, planes(frame), strict=True):
        changed = was != now
        inside = np.zeros_like(changed)
        inside[16 // scale : 32 // scale, 32 // scale : 56 // scale] = True
        assert not changed[~inside].any()
    assert (planes(frame)[0] != before[0]).any()


def test_odd_sizes_are_changed_up_to_their_last_row_and_column():
    frame = av.VideoFrame(21, 13, "yuv420p")
    for plane in frame.planes:
        plane.update(bytes([100]) * plane.buffer_size)
    add_change(frame, np.full((13, 21, 3), 0.2, np.float32), 0, 0)
    luma, *chroma = planes(frame)
    assert np.all(luma == luma[0, 0])
    assert luma[0, 0] > 100
    assert all(np.all(plane == 100) for plane in chroma)  # grey has no chroma


def test_codes_do_not_run_over():
    frame = frame_of(blocks())
    add_change(frame, np.ones((64, 96, 3), np.float32), 0, 0)
    assert planes(frame)[0].max() == 255


@pytest.mark.parametrize("turns", range(4))
def test_turning_leads_from_the_stored_to_the_seen_pixels(turns):
    stored = np.arange(5 * 7).reshape(5, 7)
    seen = np.rot90(stored, turns)
    matrix = turning(turns, 7, 5)
    for y, x in np.ndindex(stored.shape):
        column, row = np.rint(transform(matrix, np.array([[x, y]]))[0]).astype(int)
        assert seen[row, column] == stored[y, x]


def test_which_formats_are_planar():
    planar = {"yuv420p", "yuvj420p", "yuv422p10le", "yuva420p", "gray", "gray10le"}
    others = {"rgb24", "gbrp", "bgr0", "nv12", "yuyv422", "p010le", "yuv420p10be", "pal8", "grayf32le"}
    assert {name for name in planar | others if is_planar(av.VideoFormat(name, 8, 8))} == planar


def test_another_format_keeps_the_times():
    frame = frame_of(blocks())
    frame.pts, frame.time_base = 77, 1
    assert as_format(frame, "yuv420p") is frame
    assert as_format(frame, "yuv444p").pts == 77
