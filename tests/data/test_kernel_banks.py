"""The kernel banks' file and picture."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from snadnet.blur import kernels_to_image, trajectory_kernel, trajectory_kernels_of_seeds
from snadnet.cli.app import app
from snadnet.data.degradation import Degradation, kernel_bank
from snadnet.data.kernel_banks import KernelBanks, banks_file, celeba_banks
from snadnet.data.protocols import CELEBA
from snadnet.errors import OutputExistsError

RUNNER = CliRunner()


def test_kernels_of_seeds_are_bit_identical_to_those_made_one_by_one() -> None:
    sizes, seeds = (13, 29, 21), (2_000_000_000, 5, 2_000_002_499)
    together = trajectory_kernels_of_seeds(sizes, seeds)
    for kernel, size, seed in zip(together, sizes, seeds, strict=True):
        np.testing.assert_array_equal(kernel, trajectory_kernel(size, seed=seed))
    with pytest.raises(ValueError, match="2 seeds were given for 1 kernels"):
        trajectory_kernels_of_seeds((13,), (1, 2))
    with pytest.raises(ValueError, match="odd"):
        trajectory_kernels_of_seeds((12,), (1,))


@pytest.fixture(scope="module")
def banks() -> KernelBanks:
    return celeba_banks(count=40)


def test_the_banks_are_what_training_and_the_protocol_use(banks: KernelBanks) -> None:
    assert (len(banks.training), len(banks.test)) == (40, 2500)
    for stored, made in zip(banks.training, kernel_bank(Degradation(kernels=40), 160), strict=True):
        np.testing.assert_array_equal(stored, made)
    for index in (0, 1234, 2499):
        np.testing.assert_array_equal(banks.test[index], CELEBA.blur.kernel(index))


def test_no_training_kernel_is_a_test_kernel(banks: KernelBanks) -> None:
    test = {kernel.tobytes() for kernel in banks.test}
    assert len(test) == 2500
    assert not any(kernel.tobytes() in test for kernel in banks.training)


def test_the_file_gives_back_every_kernel(banks: KernelBanks, tmp_path: Path) -> None:
    content = banks_file(banks)
    assert content == banks_file(banks)
    path = tmp_path / "kernels.npz"
    path.write_bytes(content)
    with np.load(path, allow_pickle=False) as file:
        for name, bank in (("training", banks.training), ("test", banks.test)):
            sizes = file[f"{name}_sizes"].astype(int)
            read = np.split(file[f"{name}_weights"], np.cumsum(sizes**2)[:-1])
            for weights, size, kernel in zip(read, sizes, bank, strict=True):
                np.testing.assert_array_equal(weights.reshape(size, size), kernel)
        assert "seeds 2000000000 to 2000002499" in str(file["description"])


def test_an_image_shows_each_kernel_in_a_cell_of_its_own() -> None:
    cross = np.array([[0, 1, 0], [1, 2, 1], [0, 1, 0]], np.float32)
    grid = kernels_to_image([cross, np.ones((1, 1)), cross], columns=2)
    assert grid.shape == (9, 9)
    np.testing.assert_array_equal(grid[1:4, 1:4], [[0, 128, 0], [128, 255, 128], [0, 128, 0]])
    np.testing.assert_array_equal(grid[1:4, 5:8], [[0, 0, 0], [0, 255, 0], [0, 0, 0]])
    np.testing.assert_array_equal(grid[5:8, 1:4], grid[1:4, 1:4])
    with pytest.raises(ValueError, match="at least one kernel"):
        kernels_to_image([], columns=1)


def test_the_command_writes_both_and_replaces_neither(tmp_path: Path) -> None:
    file, drawn = tmp_path / "kernels.npz", tmp_path / "kernels.png"
    command = ["kernels", "-o", str(file), "--image", str(drawn), "--count", "5"]
    result = RUNNER.invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "5 trajectory kernels of 13 to 29 px" in result.stdout
    assert file.read_bytes() == banks_file(celeba_banks(count=5))
    with Image.open(drawn) as image:
        assert image.size == (24 * 30 * 3 + 3, (1 + 4) * 30 * 3 + 3)
    assert isinstance(RUNNER.invoke(app, command).exception, OutputExistsError)
