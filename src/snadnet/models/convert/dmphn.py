"""DMPHN: a folder with a file for the encoder and for the decoder of every level."""

from snadnet.models.convert.layout import Layout, Renames, joined, numbered

_UNIT = {"0": "first", "2": "second"}


def _units(*numbers: int, stage: int) -> Renames:
    return joined({f"layer{number}": f"{stage}.{index}" for index, number in enumerate(numbers)}, _UNIT)


_ENCODER = {
    "layer1": "0",
    **_units(2, 3, stage=1),
    "layer5": "2",
    **_units(6, 7, stage=3),
    "layer9": "4",
    **_units(10, 11, stage=5),
}
_DECODER = {
    **_units(13, 14, stage=0),
    "layer16": "1",
    **_units(17, 18, stage=2),
    "layer20": "3",
    **_units(21, 22, stage=4),
    "layer24": "5",
}


def dmphn(levels: int) -> Layout:
    """Return the layout of a network of so many levels."""
    last = f"encoder_lv1.pkl to decoder_lv{levels}.pkl"
    return Layout(
        files=f"the folder with {last}, or these {2 * levels} files",
        renames={
            **joined(numbered("encoder_lv{}", "encoders.{}", levels, start=1), _ENCODER),
            **joined(numbered("decoder_lv{}", "decoders.{}", levels, start=1), _DECODER),
        },
        suffix=".pkl",
        part=lambda path, _: f"{path.stem}.",
        remedy=f"give {last}; three levels are dmphn-1-2-4's, four dmphn-1-2-4-8's",
    )


LAYOUTS = {"dmphn-1-2-4": dmphn(3), "dmphn-1-2-4-8": dmphn(4)}
