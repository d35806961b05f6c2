"""``snadnet kernels``: write the kernel banks of the CelebA protocol."""

from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer

from snadnet.batch.storage import refuse_existing
from snadnet.cli.shared.extras import require_training_extra
from snadnet.cli.shared.options import OverwriteOption, output_option
from snadnet.files import write_atomically
from snadnet.photo import photo_from_array, write_photo

_ENLARGED = 3


def kernels(
    *,
    output: Annotated[Path, output_option("The .npz file to write.", metavar="FILE")],
    image: Annotated[Path | None, typer.Option(metavar="FILE", help="Also draw some of them in an image.")] = None,
    count: Annotated[int, typer.Option(min=1, max=1_000_000, help="Training kernels.")] = 25_000,
    seed: Annotated[int, typer.Option(min=0, max=1_999_999_999, help="The training kernels' seed.")] = 0,
    overwrite: OverwriteOption = False,
) -> None:
    """Write the camera-trajectory kernels of the CelebA protocol: for training, and the 2,500 others for test.

    Training and test sets make the same kernels by themselves; the file is for other tools, and to look at.
    """
    require_training_extra()
    from snadnet.data.kernel_banks import banks_file, banks_image, celeba_banks  # noqa: PLC0415 (needs the extra)

    refuse_existing([path for path in (output, image) if path is not None], overwrite=overwrite)
    banks = celeba_banks(count=count, seed=seed)
    if image is not None:
        grid = cv2.resize(banks_image(banks), None, fx=_ENLARGED, fy=_ENLARGED, interpolation=cv2.INTER_NEAREST)
        write_photo(photo_from_array(np.asarray(grid)), image, overwrite=overwrite)
    content = banks_file(banks)
    write_atomically(output, content)
    typer.echo(f"{output}: {banks.description} ({len(content) / 1e6:.1f} MB)")
