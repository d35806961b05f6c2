import math

import numpy as np
import pytest
import torch
from PIL import Image

from snadnet.data.protocols import CELEBA_HQ, SHARP, LinearBlur, Protocol, TrajectoryBlur
from snadnet.errors import DataError
from snadnet.evaluation.score import kernel_size_table, score_method, score_table

SMALL = Protocol("small", 48, LinearBlur(length=9, angle=30), noise_sigma=0.02, seed=5)


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faces")
    generator = np.random.default_rng(0)
    for number in range(5):
        coarse = generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse.repeat(8, axis=0).repeat(8, axis=1)).save(folder / f"{number}.png")
    return sorted(folder.iterdir())


def unchanged(blurred):
    return blurred


def darker(blurred):
    return blurred * 0.5


def test_a_method_that_does_nothing_gains_nothing(faces):
    scores = score_method(unchanged, faces, SMALL)
    assert scores.faces == tuple(faces)
    assert scores.psnr_gain == 0.0
    assert scores.worse_share == 0.0
    assert torch.equal(scores.restored.psnr, scores.blurred.psnr)


def test_gain_and_share_made_worse_are_those_of_the_faces(faces):
    def one_darkened(blurred):
        restored = blurred.copy()
        restored[1] *= 0.5
        return restored

    scores = score_method(one_darkened, faces, SMALL, batch_size=5)
    differences = scores.restored.psnr - scores.blurred.psnr
    assert differences[1] < 0
    assert differences[[0, 2, 3, 4]].tolist() == [0, 0, 0, 0]
    assert scores.psnr_gain == pytest.approx(differences[1].item() / 5, abs=1e-5)
    assert scores.worse_share == pytest.approx(0.2)


def test_scores_do_not_depend_on_the_batch_size(faces):
    together = score_method(darker, faces, SMALL, batch_size=5)
    apart = score_method(darker, faces, SMALL, batch_size=2)
    torch.testing.assert_close(apart.restored.psnr, together.restored.psnr, rtol=0, atol=1e-5)
    torch.testing.assert_close(apart.blurred.ssim, together.blurred.ssim, rtol=0, atol=1e-5)


def test_a_method_is_given_blurred_faces_in_batches(faces):
    given = []

    def watching(blurred):
        given.append(blurred)
        return blurred

    score_method(watching, faces, SMALL, batch_size=2)
    assert [batch.shape for batch in given] == [(2, 48, 48, 3), (2, 48, 48, 3), (1, 48, 48, 3)]
    assert all(batch.dtype == np.float32 for batch in given)


def test_the_table_states_protocol_and_count_and_begins_with_the_blurred_input(faces):
    scores = [
        score_method(unchanged, faces, SMALL, name="identity"),
        score_method(darker, faces, SMALL, name="darker"),
    ]
    lines = score_table(scores).splitlines()
    assert lines[0] == str(SMALL)
    assert "N = 5" in lines[1]
    assert lines[3].startswith("blurred input")
    assert lines[4].startswith("identity")
    assert lines[4].split()[1:4] == lines[3].split()[2:5]
    assert "+0.00" in lines[4]
    assert "100.0 %" in lines[5]
    assert f"{scores[1].psnr_gain:+.2f}" in lines[5]


def test_the_table_of_sharp_faces_makes_no_gain_up(tmp_path):
    Image.fromarray(np.full((256, 256, 3), 100, dtype=np.uint8)).save(tmp_path / "flat.png")
    scores = score_method(lambda faces: faces + np.float32(1 / 255), [tmp_path / "flat.png"], SHARP)
    # one level of difference everywhere: 20 log10(255) dB
    assert scores.restored.psnr.item() == pytest.approx(20 * math.log10(255), abs=1e-3)
    lines = score_table([scores]).splitlines()
    assert "inf" in lines[3]
    assert lines[4].split() == ["restored", "48.13", f"{scores.restored.ssim.item():.4f}", "0.39", "-", "-"]


def test_the_kernel_table_groups_by_size(faces):
    protocol = Protocol("mixed", 48, TrajectoryBlur(sizes=(5, 9), seeds=range(10)), noise_sigma=0.0, seed=0)
    scores = score_method(unchanged, faces, protocol)
    rows = [line.split() for line in kernel_size_table(scores).splitlines()[1:]]
    assert [row[:2] for row in rows] == [["5", "3"], ["9", "2"]]
    assert rows[0][2] == f"{scores.blurred.psnr[[0, 2, 4]].mean().item():.2f}"
    assert [row[4] for row in rows] == ["+0.00", "+0.00"]


def test_misuse_is_refused_in_words(faces):
    with pytest.raises(DataError, match="no faces"):
        score_method(unchanged, [], SMALL)
    with pytest.raises(ValueError, match="returned"):
        score_method(lambda blurred: blurred[:, ::2], faces, SMALL)
    with pytest.raises(ValueError, match="not finite"):
        score_method(lambda blurred: blurred * np.nan, faces, SMALL)
    with pytest.raises(ValueError, match="at least one"):
        score_table([])
    scores = score_method(unchanged, faces, SMALL)
    other = score_method(unchanged, faces[:2], SMALL)
    with pytest.raises(ValueError, match="same faces"):
        score_table([scores, other])
    without_blur = Protocol("none", 48, None, noise_sigma=0.0, seed=0)
    with pytest.raises(ValueError, match="no kernels"):
        kernel_size_table(score_method(unchanged, faces, without_blur))
    with pytest.raises(DataError, match="at least 256 px"):
        score_method(unchanged, faces, CELEBA_HQ)
