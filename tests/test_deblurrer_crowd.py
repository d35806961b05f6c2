"""Many faces, overlapping, cut and lying ones; and the same bytes at any batch size and number of threads."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from snadnet import Deblurrer
from snadnet.faces import face_matrix
from snadnet.faces.classes import NUM_CLASSES
from snadnet.inference import OnnxBackend

PORTRAITS = sorted((Path(__file__).parents[1] / "examples" / "portraits").glob("*.jpg"))


@pytest.fixture(scope="module")
def deblurrer(tiny_network):
    return Deblurrer(weights=tiny_network, device="cpu")


@pytest.fixture(scope="module")
def summing_network(tmp_path_factory):
    """A graph whose last bits depend on the batch and on ONNX Runtime's threads, if there are several for one crop.

    It subtracts from 64 features a product of sums over the whole crop, as attention and guidance do.
    """
    rng = np.random.default_rng(0)
    floats = {
        "first": rng.normal(0, 0.2, (64, 3, 3, 3)),
        "second": rng.normal(0, 0.06, (3, 64, 3, 3)),
        "scores": rng.normal(0, 1, (NUM_CLASSES, 3, 1, 1)),
    }
    integers = {"flat_size": [0, 0, -1], "start": [0], "end": [2], "channels": [1], "map_axes": [2, 3]}
    constants = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in floats.items()]
    constants += [numpy_helper.from_array(np.array(value), name) for name, value in integers.items()]
    nodes = [
        helper.make_node("Conv", ["blurred", "first"], ["features"], pads=[1, 1, 1, 1]),
        helper.make_node("Reshape", ["features", "flat_size"], ["flat"]),
        helper.make_node("Transpose", ["flat"], ["flat_turned"], perm=[0, 2, 1]),
        helper.make_node("Slice", ["flat", "start", "end", "channels"], ["two"]),
        helper.make_node("Softmax", ["two"], ["shares"], axis=2),
        helper.make_node("MatMul", ["shares", "flat_turned"], ["sums"]),
        helper.make_node("ReduceMean", ["sums", "channels"], ["mean"], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "map_axes"], ["middle"]),
        helper.make_node("Sub", ["features", "middle"], ["centred"]),
        helper.make_node("Relu", ["centred"], ["positive"]),
        helper.make_node("Conv", ["positive", "second"], ["change"], pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["blurred", "change"], ["restored"]),
        helper.make_node("Conv", ["restored", "scores"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["parsing"], axis=1),
    ]

    def value(name, channels):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["B", channels, "H", "W"])

    outputs = [value("restored", 3), value("parsing", NUM_CLASSES)]
    graph = helper.make_graph(nodes, "summing", [value("blurred", 3)], outputs, constants)
    path = tmp_path_factory.mktemp("weights") / "summing.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    return path


@pytest.fixture(scope="module")
def row():
    """Three different faces in 675 x 275 px."""
    photo = np.hstack([np.asarray(Image.open(path).convert("RGB")) for path in PORTRAITS[:3]])
    photo.setflags(write=False)
    return photo


def parts(restoration):
    return [
        restoration.photo.pixels,
        *(face.parsing for face in restoration.faces),
        np.array([(face.sharpness_before, face.sharpness_after) for face in restoration.faces]),
    ]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(parts(first), parts(second), strict=True))


def test_the_same_bytes_at_any_batch_size(summing_network, row):
    alone, *others = (
        Deblurrer(weights=summing_network, device="cpu", batch_size=size).restore(row) for size in (1, 2, 3, 64)
    )
    assert len(alone.faces) == 3
    assert np.abs(alone.photo.pixels.astype(int) - row).max() > 20
    assert all(same(alone, other) for other in others)


def test_a_crop_is_bit_identical_in_any_batch(summing_network):
    network = OnnxBackend(summing_network, "cpu")
    crops = np.random.default_rng(0).random((7, 48, 64, 3), np.float32)
    singles = [network(crop[None]) for crop in crops]
    for size in (2, 7):
        restored, parsing, *_ = network(crops[:size])
        assert np.array_equal(restored, np.concatenate([each[0] for each in singles[:size]]))
        assert np.array_equal(parsing, np.concatenate([each[1] for each in singles[:size]]))


@pytest.mark.parametrize("threads", [2, 5])
def test_the_same_bytes_from_any_number_of_threads(summing_network, row, threads):
    deblurrer = Deblurrer(weights=summing_network, device="cpu")
    expected = deblurrer.restore(row)
    with ThreadPoolExecutor(threads) as pool:
        results = list(pool.map(deblurrer.restore, [row] * threads))
    assert all(same(expected, result) for result in results)


def test_the_same_bytes_at_any_number_of_opencv_threads(deblurrer, row):
    before = cv2.getNumThreads()
    try:
        results = []
        for threads in (1, 4):
            cv2.setNumThreads(threads)
            results.append(deblurrer.restore(row))
    finally:
        cv2.setNumThreads(before)
    assert same(*results)


def test_forty_faces_in_twelve_megapixels(deblurrer):
    portraits = [np.asarray(Image.open(path).convert("RGB")) for path in PORTRAITS if path.stem != "astronaut"]
    photo = np.full((3000, 4000, 3), 120, np.uint8)
    for index in range(40):
        row, column = divmod(index, 8)
        photo[600 * row + 160 :, 500 * column + 130 :][:275, :225] = portraits[index % len(portraits)]
    restoration = deblurrer.restore(photo)
    assert len(restoration.faces) == 40
    assert restoration.skipped == ()
    cells = {(int(f.landmarks[2, 1] // 600), int(f.landmarks[2, 0] // 500)) for f in restoration.faces}
    assert len(cells) == 40
    assert [face.number for face in restoration.faces] == list(range(1, 41))
    areas = [face.box[2] * face.box[3] for face in restoration.faces]
    assert areas == sorted(areas, reverse=True)
    # Between the cells nothing changes.
    assert np.array_equal(restoration.photo.pixels[::600], photo[::600])


def test_overlapping_faces_are_both_restored(deblurrer, row):
    left, right = row[:, :225], row[:, 225:450]
    photo = np.hstack([left[:, :185], right[:, 30:]])  # cheek by cheek: the crops share a third of their width
    restoration = deblurrer.restore(photo)
    assert len(restoration.faces) == 2
    change = restoration.photo.pixels.astype(int) - photo
    for face in restoration.faces:
        nose = np.rint(face.landmarks[2]).astype(int)
        assert np.median(change[nose[1] - 5 : nose[1] + 5, nose[0] - 5 : nose[0] + 5]) == pytest.approx(25.5, abs=2)
    assert change.max() <= 30  # where both reach they are averaged, not added


@pytest.mark.parametrize("part", [np.s_[:, 119:], np.s_[:, :137], np.s_[95:], np.s_[:150], np.s_[95:, 105:]], ids=str)
def test_faces_cut_by_any_border_are_restored(deblurrer, portrait, part):
    cut = np.ascontiguousarray(portrait[part])
    restoration = deblurrer.restore(cut)
    (face,) = restoration.faces
    assert restoration.photo.pixels.shape == cut.shape
    inside = face.landmarks[np.all((face.landmarks > 0) & (face.landmarks < np.array(cut.shape[1::-1]) - 1), axis=1)]
    assert len(inside)
    for x, y in np.rint(inside).astype(int):
        assert (restoration.photo.pixels[y, x] != cut[y, x]).any()


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_phone_picture_without_orientation_tag(deblurrer, row, turns):
    """Faces lying on their side or upside down are found, and their crops stand upright."""
    turned = np.ascontiguousarray(np.rot90(row, turns))
    upright, restoration = deblurrer.restore(row), deblurrer.restore(turned)
    assert len(restoration.faces) == len(upright.faces) == 3
    for face in restoration.faces:
        matrix = face_matrix(face.landmarks)
        angle = np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))
        assert abs((angle - 90 * turns + 180) % 360 - 180) < 12
    back = np.rot90(restoration.photo.pixels, -turns).astype(int)
    assert np.abs(back - upright.photo.pixels).mean() < 1
