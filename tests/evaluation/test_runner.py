"""Whole evaluations of small methods on small faces."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from snadnet.data.blurs import LinearBlur, TrajectoryBlur
from snadnet.data.protocols import Protocol
from snadnet.errors import ConfigError, DataError, ModelError, WeightsError
from snadnet.evaluation.breakdown import BREAKDOWNS, find_breakdowns
from snadnet.evaluation.methods import Method, default_name, find_method, refuse_twins
from snadnet.evaluation.report.summary import summarize
from snadnet.evaluation.runner import score
from snadnet.evaluation.statistics import Resampling
from snadnet.evaluation.test_set import blurred_on_the_fly, find_test_set
from snadnet.inference import resolve_weights
from snadnet.inference.resolve import weights_digest
from snadnet.metrics.base import ScoredFace
from snadnet.metrics.fidelity import L1, PSNR, SSIM, Fidelity
from snadnet.models import create_network, save_network
from support.face_data import make_faces

SMALL = Protocol("small", 48, LinearBlur(length=9, angle=30), noise_sigma=0.02, seed=5)
NO_INTERVALS = Resampling(count=0)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return make_faces(tmp_path_factory.mktemp("faces"), 5)


@pytest.fixture(scope="module")
def small_set(folders):
    return blurred_on_the_fly(SMALL, folders[0], labels=folders[1])


def method(restore, name="restored"):
    return Method(name, "a test", lambda _, blurred: restore(blurred))


def darker(blurred):
    return blurred // 2


def one_darkened(names, blurred):
    return np.stack([face // 2 if name == "001" else face for name, face in zip(names, blurred, strict=True)])


def test_golden_scores_of_flat_faces(tmp_path):
    Image.fromarray(np.full((32, 32, 3), 100, np.uint8)).save(tmp_path / "flat.png")
    flat = Protocol("flat", 32, LinearBlur(length=9, angle=30), noise_sigma=0.0, seed=0)
    one_level = method(lambda faces: faces + np.uint8(1))
    found = score([one_level], blurred_on_the_fly(flat, tmp_path), [Fidelity()])
    assert found.measures == (PSNR, SSIM, L1)
    psnr, ssim, l1 = (float(reading[0]) for reading in found.methods[1].values)
    assert psnr == pytest.approx(20 * np.log10(255), abs=1e-3)
    # flat images have no variance: only the means' term is left, and C1 = 0.01^2
    x, y, c = 100 / 255, 101 / 255, 1e-4
    assert ssim == pytest.approx((2 * x * y + c) / (x * x + y * y + c), abs=3e-4)  # float32 sums
    assert l1 == pytest.approx(100 / 255, abs=1e-5)
    # A flat face is not changed by blur: the input equals its target, and a gain would say nothing.
    row = summarize(found, NO_INTERVALS).rows[1]
    assert found.blurred.values[0][0] == np.inf
    assert (row.gain, row.worse_share) == (None, None)


def test_a_method_that_does_nothing_gains_nothing(small_set):
    summary = summarize(score([method(np.copy)], small_set, [Fidelity()]), NO_INTERVALS)
    blurred, restored = summary.rows
    assert (restored.gain.value, restored.worse_share) == (0.0, 0.0)
    assert restored.estimates == blurred.estimates
    assert (blurred.gain, blurred.worse_share) == (None, None)


def test_gain_and_share_made_worse_are_those_of_the_faces(small_set):
    found = score([Method("one", "a test", one_darkened)], small_set, [Fidelity()], batch_size=5)
    differences = found.methods[1].values[0] - found.blurred.values[0]
    assert differences[1] < 0
    assert differences[[0, 2, 3, 4]].tolist() == [0, 0, 0, 0]
    row = summarize(found, NO_INTERVALS).rows[1]
    assert row.gain.value == pytest.approx(differences[1] / 5)
    assert row.worse_share == pytest.approx(0.2)


def test_scores_depend_neither_on_the_batch_size_nor_on_the_order(small_set, folders, tmp_path):
    together = score([method(darker)], small_set, [Fidelity()], batch_size=5)
    apart = score([method(darker)], small_set, [Fidelity()], batch_size=2)
    for one, other in zip(together.methods, apart.methods, strict=True):
        for first, second in zip(one.values, other.values, strict=True):
            assert np.array_equal(first, second)
    # The same images in reverse order, without blur, as that goes by a face's number.
    sharp = Protocol("sharp", 48, None, noise_sigma=0.0, seed=0)
    for number, path in enumerate(sorted(folders[0].iterdir(), reverse=True)):
        (tmp_path / f"{number}.png").write_bytes(path.read_bytes())
    forward = score([method(darker)], blurred_on_the_fly(sharp, folders[0]), [Fidelity()])
    reverse = score([method(darker)], blurred_on_the_fly(sharp, tmp_path), [Fidelity()])
    for first, second in zip(forward.methods[1].values, reverse.methods[1].values, strict=True):
        assert np.array_equal(first, second[::-1])


def test_methods_are_given_batches_of_8_bit_faces_and_progress_is_reported(small_set):
    given, advanced = [], []

    def watching(blurred):
        given.append(blurred)
        return blurred

    score([method(watching)], small_set, [Fidelity()], batch_size=2, advance=advanced.append)
    assert [batch.shape for batch in given] == [(2, 48, 48, 3), (2, 48, 48, 3), (1, 48, 48, 3)]
    assert all(batch.dtype == np.uint8 for batch in given)
    assert advanced == [2, 2, 1]


def test_a_folder_scores_as_the_network_that_filled_it_and_a_graph_as_itself(small_set, tiny_network, tmp_path):
    network = find_method(str(tiny_network), small_set, device="cpu")
    folder = tmp_path / "other tool"
    folder.mkdir()
    for index, name in enumerate(small_set.names):
        Image.fromarray(network.restore([name], small_set.read(index).blurred[None])[0]).save(folder / f"{name}.png")
    other = find_method(str(folder), small_set)
    assert (network.name, other.name) == ("tiny", "other tool")
    assert "sha256" in network.source
    found = score([network, other], small_set, [Fidelity()])
    for first, second in zip(found.methods[1].values, found.methods[2].values, strict=True):
        assert np.array_equal(first, second)
    assert found.methods[1].values[2].mean() != found.blurred.values[2].mean()


def test_the_file_that_runs_is_named(small_set):
    """With more effort the default release is not it."""
    for effort, name in {1: "snadnet-small-full", 2: "snadnet-small-twice", 3: "snadnet-small-twice"}.items():
        weights = resolve_weights(f"{name}.onnx")
        source = find_method("fidelity", small_set, device="cpu", effort=effort).source
        assert source.startswith(f"{weights} (sha256 {weights_digest(weights)[:16]})")


def test_a_folder_that_lacks_a_face_or_has_another_size_is_named(small_set, tmp_path):
    for name in small_set.names[:-2]:
        Image.fromarray(np.zeros((48, 48, 3), np.uint8)).save(tmp_path / f"{name}.png")
    with pytest.raises(DataError, match=r"'003' \(2 of the test set's 5"):
        find_method(str(tmp_path), small_set)
    for name in small_set.names:
        Image.fromarray(np.zeros((40, 48, 3), np.uint8)).save(tmp_path / f"{name}.png")
    with pytest.raises(DataError, match=r"000.png: is 48 x 40 px, its blurred input 48 x 48 px"):
        score([find_method(str(tmp_path), small_set)], small_set, [Fidelity()])


def test_a_folder_with_two_images_of_one_name_is_refused(small_set, tmp_path):
    for name in small_set.names:
        Image.fromarray(np.zeros((48, 48, 3), np.uint8)).save(tmp_path / f"{name}.png")
    Image.fromarray(np.full((48, 48, 3), 255, np.uint8)).save(tmp_path / "000.jpg")
    with pytest.raises(DataError, match=r"000\.png: has the name of 000\.jpg but for its suffix"):
        find_method(str(tmp_path), small_set)


def upright_face():
    """A grey face of 64 px with 16 bits, no two rows or columns alike."""
    rows, columns = np.mgrid[:64, :64]
    return (rows * 800 + columns * 200 + 257).astype(np.uint16)


def test_the_truth_scores_without_bound_however_its_file_is_turned(tmp_path):
    truth, same, plain = tmp_path / "truth", tmp_path / "same", tmp_path / "plain"
    for folder in (truth, same, plain):
        folder.mkdir()
    upright = Image.fromarray(np.rint(upright_face() / 257).astype(np.uint8)).convert("RGB")
    # Orientation 6: the camera stored the face turned, and says so.
    exif = Image.Exif()
    exif[0x0112] = 6
    for folder in (truth, same):
        upright.transpose(Image.Transpose.ROTATE_90).save(folder / "a.png", exif=exif)
    upright.save(plain / "a.png")
    faces = blurred_on_the_fly(Protocol("small", 64, None, noise_sigma=0.0, seed=5), truth)
    found = score([find_method(str(folder), faces) for folder in (same, plain)], faces, [Fidelity()])
    assert [float(each.values[0][0]) for each in found.methods] == [np.inf] * 3


def test_faces_of_16_bits_score_as_those_of_8(tmp_path):
    truth, same = tmp_path / "truth", tmp_path / "same"
    for folder in (truth, same):
        folder.mkdir()
    Image.fromarray(upright_face()).save(truth / "a.png")
    Image.fromarray(np.rint(upright_face() / 257).astype(np.uint8)).save(same / "a.png")
    faces = blurred_on_the_fly(Protocol("small", 64, None, noise_sigma=0.0, seed=5), truth)
    found = score([find_method(str(same), faces)], faces, [Fidelity()])
    assert [float(each.values[0][0]) for each in found.methods] == [np.inf] * 2


def test_weights_files_are_distinguished_by_what_is_in_them(small_set, tmp_path):
    for name in ("bisenet-small", "snadnet-small"):
        save_network(tmp_path / f"{name}.safetensors", create_network(name), name)
    with pytest.raises(ModelError, match="is a face parser, which restores nothing; run: snadnet evaluate-parsers"):
        find_method(str(tmp_path / "bisenet-small.safetensors"), small_set)
    network = find_method(f"mine={tmp_path / 'snadnet-small.safetensors'}", small_set, device="cpu")
    blurred = np.stack([small_set.read(index).blurred for index in range(2)])
    together = network.restore(["000", "001"], blurred)
    assert network.name == "mine"
    run = tmp_path / "deblurring" / "weights.safetensors"
    run.parent.mkdir()
    run.touch()
    assert [default_name(str(each)) for each in (run, tmp_path / "snadnet-small.safetensors", "natural")] == [
        "deblurring",
        "snadnet-small",
        "natural",
    ]
    assert together.shape == blurred.shape
    assert np.array_equal(together[1:], network.restore(["001"], blurred[1:]))


def test_a_graph_that_parses_no_faces_is_scored(small_set, build_network, tmp_path):
    graph = find_method(str(build_network(tmp_path / "m.onnx", parses=False)), small_set, device="cpu")
    blurred = small_set.read(0).blurred[None]
    expected = np.minimum(blurred.astype(int) + 25.5, 255)
    assert np.abs(graph.restore(["000"], blurred) - expected).max() <= 1


def test_what_is_not_there_is_said_in_words(small_set, tmp_path):
    with pytest.raises(WeightsError, match=r"nowhere\.onnx: no such weights file; choose one of: fidelity, natural"):
        find_method(str(tmp_path / "nowhere.onnx"), small_set)
    with pytest.raises(WeightsError, match="snadnet-small"):
        find_method("snadnet-smal", small_set)
    with pytest.raises(ConfigError, match="two methods are called 'a'; give one another name"):
        refuse_twins([method(darker, "a"), method(darker, "a")])
    with pytest.raises(ConfigError, match="'blurred input'"):
        refuse_twins([method(darker, "blurred input")])
    with pytest.raises(ValueError, match="returned uint8 of"):
        score([method(lambda blurred: blurred[:, ::2])], small_set, [Fidelity()])
    with pytest.raises(DataError, match="no such test set"):
        find_test_set(str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"manifest.json: is missing"):
        find_test_set(str(tmp_path))


def test_rows_by_kernel_size(folders):
    mixed = Protocol("mixed", 48, TrajectoryBlur(sizes=(5, 9), seeds=range(10)), noise_sigma=0.0, seed=0)
    found = score(
        [method(darker)], blurred_on_the_fly(mixed, folders[0]), [Fidelity()], breakdowns=[BREAKDOWNS["kernel"]]
    )
    rows = summarize(found, NO_INTERVALS).groups[0].rows
    assert [(row.name, row.faces, row.worse_shares) for row in rows] == [("5", 3, (1.0,)), ("9", 2, (1.0,))]
    assert rows[0].psnr[0] == pytest.approx(found.blurred.values[0][[0, 2, 4]].mean())
    assert rows[1].psnr[1] == pytest.approx(found.methods[1].values[0][[1, 3]].mean())


def test_faces_are_grouped_by_what_they_show(small_set, folders):
    labels = np.zeros((100, 100), np.uint8)
    labels[40:60, 30:70] = 3  # glasses: 8 % of the image
    sharp = np.full((100, 100, 3), 200, np.uint8)
    sharp[40:60, 30:70] = 51  # the foreground's luma is 0.2, the image's 0.74
    face = ScoredFace("a", sharp, sharp, labels)
    names = ["glasses", "hat", "brightness"]
    found = [each.group(small_set, 0, face).name for each in find_breakdowns(names, small_set)]
    assert found == ["with", "without", "under 0.3"]
    unlabelled = blurred_on_the_fly(SMALL, folders[0])
    assert BREAKDOWNS["brightness"].group(unlabelled, 0, replace(face, labels=None)).name == "over 0.6"
    with pytest.raises(ConfigError, match="--labels"):
        find_breakdowns(["glasses"], unlabelled)
    with pytest.raises(ConfigError, match="choose of: kernel"):
        find_breakdowns(["age"], small_set)


def test_the_last_faces_of_a_folder_are_numbered_from_the_first_of_them(folders):
    whole = blurred_on_the_fly(SMALL, folders[0])
    last = blurred_on_the_fly(SMALL, folders[0], last=2)
    assert last.names == ("003", "004")
    assert not np.array_equal(last.read(0).blurred, whole.read(3).blurred)  # the noise goes by the number
    # Faces of a whole set keep their pixels.
    kept = whole.last(2)
    assert (kept.names, len(kept), kept.kernel_sizes) == (("003", "004"), 2, (9, 9))
    assert np.array_equal(kept.read(0).blurred, whole.read(3).blurred)
    assert whole.last(9).names == whole.names
