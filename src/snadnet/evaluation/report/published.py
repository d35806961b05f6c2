"""The figures that the paper reports (its Tables I to III), to stand beside ours, never as ours.

What is doubtful about them is said wherever they are printed; see also ``docs/research/paper.md``, Reported figures.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class PublishedRow:
    """One method as the paper reports it: PSNR in dB, SSIM, L1 in percent, FID."""

    method: str
    psnr: float
    ssim: float
    l1_percent: float
    fid: float


@dataclass(frozen=True)
class PublishedTable:
    """A table of the paper.

    Attributes:
        name: Its number.
        rows: Its rows.
        notes: What is doubtful about it.
    """

    name: str
    rows: tuple[PublishedRow, ...]
    notes: tuple[str, ...]


_SAME_INPUT: Final = (
    "The paper gives the blurred input 21.78 dB in Table I (CelebA-HQ, SSIM 0.625, L1 5.70 %) and again in Table II "
    "(CelebA, SSIM 0.769, L1 5.06 %) although the two protocols differ: one is likely a slip, and so are gains over it."
)
_CAPTION: Final = (
    "The caption of Table III says CelebA-HQ, but its last row (30.08 dB, 0.945, 2.21 %, 3.25) is SNADNet's of Table "
    "II, which is CelebA's: the table is shown as CelebA's."
)

_TABLE_I: Final = PublishedTable(
    "Table I",
    (
        PublishedRow("blurred input", 21.78, 0.625, 5.70, 95.88),
        PublishedRow("DeblurGAN", 26.29, 0.816, 3.99, 15.22),
        PublishedRow("DeblurGAN-v2", 25.27, 0.789, 4.14, 26.11),
        PublishedRow("DMPHN", 25.98, 0.814, 3.60, 19.89),
        PublishedRow("UMSN", 27.29, 0.842, 3.47, 21.67),
        PublishedRow("MPRNet", 27.38, 0.845, 3.12, 31.27),
        PublishedRow("SNADNet", 29.25, 0.883, 2.79, 11.03),
    ),
    (_SAME_INPUT,),
)
_TABLE_II: Final = PublishedTable(
    "Table II",
    (
        PublishedRow("blurred input", 21.78, 0.769, 5.06, 99.17),
        PublishedRow("DeblurGAN", 23.47, 0.753, 4.83, 40.23),
        PublishedRow("DeblurGAN-v2", 21.10, 0.75, 5.51, 74.81),
        PublishedRow("DMPHN", 28.33, 0.909, 2.44, 22.29),
        PublishedRow("UMSN", 27.80, 0.899, 2.75, 30.14),
        PublishedRow("MPRNet", 29.26, 0.918, 2.25, 13.38),
        PublishedRow("SNADNet", 30.08, 0.945, 2.21, 3.25),
    ),
    (_SAME_INPUT,),
)
# The last row of Table III, (g), is the last one of Table II and stands there.
_TABLE_III: Final = PublishedTable(
    "Table III",
    (
        PublishedRow("ablation (b): LinkNet", 25.34, 0.865, 4.06, 23.4),
        PublishedRow("ablation (c): LinkNet + BNAD", 27.85, 0.914, 3.00, 9.48),
        PublishedRow("ablation (d): LinkNet + INAD", 28.26, 0.921, 2.84, 8.37),
        PublishedRow("ablation (e): LinkNet + SNAD", 29.57, 0.936, 2.54, 3.67),
        PublishedRow("ablation (f): LinkNet + SNAD + TE, global discriminator only", 29.68, 0.938, 2.52, 3.45),
    ),
    (_CAPTION,),
)

PUBLISHED: Final[dict[str, tuple[PublishedTable, ...]]] = {
    "celeba-hq": (_TABLE_I,),
    "celeba": (_TABLE_II, _TABLE_III),
}
"""The paper's tables by the name of the protocol."""
