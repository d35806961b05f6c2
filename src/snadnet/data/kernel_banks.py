"""The kernel banks of the CelebA protocol in a file: 25,000 to train with and 2,500 others to test with."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from snadnet.blur import kernels_to_image
from snadnet.data.blurs import TrajectoryBlur
from snadnet.data.degradation import REFERENCE_SIZE, Degradation, kernel_bank
from snadnet.data.protocols import CELEBA

Kernels = Sequence[NDArray[np.float32]]

_SHOWN: Final = 96  # kernels of each bank in the image
_COLUMNS: Final = 24


@dataclass(frozen=True, eq=False)
class KernelBanks:
    """Trajectory kernels, each ``(k, k)`` with odd ``k`` and sum 1.

    Attributes:
        training: Those that training draws from at 160 px.
        test: Those of the CelebA protocol; face ``i`` of a test set has kernel ``i``, over and over.
        description: How they are made, in words.
    """

    training: Kernels
    test: Kernels
    description: str


def celeba_banks(*, count: int = 25_000, seed: int = 0) -> KernelBanks:
    """Make the banks.

    Args:
        count: How many training kernels.
        seed: Theirs, as ``data.degradation.kernel_seed`` in a training configuration.
    """
    degradation = Degradation(kernels=count, kernel_seed=seed)
    assert isinstance(CELEBA.blur, TrajectoryBlur)
    return KernelBanks(
        training=kernel_bank(degradation, REFERENCE_SIZE),
        test=CELEBA.blur.bank(),
        description=f"training: {count} trajectory kernels of {degradation.smallest} to {degradation.largest} px, "
        f"seed {seed}; test: {CELEBA.blur}",
    )


def banks_file(banks: KernelBanks) -> bytes:
    """The banks as a compressed NumPy file (``.npz``), the same bytes for the same kernels.

    It holds ``training_sizes`` and ``test_sizes`` (uint8 or wider), the side of each kernel;
    ``training_weights`` and ``test_weights`` (float32), all kernels' weights row by row; and ``description``.
    """
    file = io.BytesIO()
    np.savez_compressed(
        file,
        training_sizes=_sizes(banks.training),
        training_weights=_weights(banks.training),
        test_sizes=_sizes(banks.test),
        test_weights=_weights(banks.test),
        description=np.array(banks.description),
    )
    return file.getvalue()


def banks_image(banks: KernelBanks) -> NDArray[np.uint8]:
    """A grey image ``(H, W)`` of evenly spaced kernels: training above, test below."""
    parts = []
    for bank in (banks.training, banks.test):
        count = min(_SHOWN, len(bank))
        parts += [bank[index * len(bank) // count] for index in range(count)]
        parts += [np.zeros((1, 1), np.float32)] * (-len(parts) % _COLUMNS)
    return kernels_to_image(parts, _COLUMNS)


def _sizes(kernels: Kernels) -> NDArray[np.unsignedinteger]:
    sizes = np.array([kernel.shape[0] for kernel in kernels])
    return sizes.astype(np.min_scalar_type(sizes.max()))


def _weights(kernels: Kernels) -> NDArray[np.float32]:
    return np.concatenate([kernel.ravel() for kernel in kernels])
