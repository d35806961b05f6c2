"""The options of ``snadnet deblur`` that no other verb has."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from snadnet.batch.naming import BESIDE_TEMPLATE, DEFAULT_TEMPLATE
from snadnet.cli.shared.completion import complete_weights
from snadnet.cli.shared.options import LIMITS_PANEL, finite, output_option, weights_option
from snadnet.concurrency import MAX_DEFAULT_WORKERS

_FACES_PANEL: Final = "Faces"
_OUTPUT_PANEL: Final = "Output"
_BATCH_PANEL: Final = "Batches"

MOST_WORKERS: Final = 4096
MOST_LOCAL_WORKERS: Final = 64

PhotosArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="PHOTO",
        help="Photos, folders of photos, patterns in quotes such as 'in/**/*.jpg', or - for standard input.",
        show_default=False,
    ),
]
OutputOption = Annotated[
    Path | None,
    output_option(
        "Folder for the results, made if need be; for one photo also a file name, or - for standard output. "
        "If left out, NAME_deblurred is written beside each photo.",
    ),
]
RecursiveOption = Annotated[
    bool, typer.Option("--recursive", "-r", help="Take the subfolders of folders too, and keep the tree.")
]
StrengthOption = Annotated[
    float,
    typer.Option(
        min=0, max=1, callback=finite, help="How much of the restoration to apply; 0 leaves the photo as it is."
    ),
]
WeightsOption = Annotated[
    str | None,
    weights_option(
        "The network: fidelity (least error), natural (the look of a sharp photo) or another released name; or a "
        "file: .onnx of snadnet export, or .safetensors, which needs PyTorch.",
        default="fidelity",
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Without --weights the same as that; beside it, the model that the file must hold (snadnet models).",
        autocompletion=complete_weights,
    ),
]

FaceOption = Annotated[
    str | None,
    typer.Option(
        metavar="all|largest|N",
        help="Which faces to restore; number 1 is the largest (see --draw-boxes).",
        show_default="all",
        rich_help_panel=_FACES_PANEL,
    ),
]
BoxOption = Annotated[
    str | None,
    typer.Option(
        metavar="X,Y,W,H",
        help="Restore the face in this box, in pixels of the upright photo, whether or not it is found.",
        rich_help_panel=_FACES_PANEL,
    ),
]
AlignedOption = Annotated[
    bool,
    typer.Option(
        "--aligned",
        help="Each input is itself a face crop, 64 px or larger; no faces are looked for.",
        rich_help_panel=_FACES_PANEL,
    ),
]
MinFaceOption = Annotated[
    int,
    typer.Option(min=1, metavar="PX", help="Leave faces smaller than this as they are.", rich_help_panel=_FACES_PANEL),
]
MinConfidenceOption = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        callback=finite,
        help="Leave faces that the detector is less sure of as they are.",
        rich_help_panel=_FACES_PANEL,
    ),
]
MaxFacesOption = Annotated[
    int,
    typer.Option(
        min=1, metavar="N", help="Restore at most so many faces a photo, the largest.", rich_help_panel=LIMITS_PANEL
    ),
]
RequireFaceOption = Annotated[
    bool,
    typer.Option(
        "--require-face",
        help="Exit with code 3 where no photo failed, but some had no face to restore.",
        rich_help_panel=_FACES_PANEL,
    ),
]

NameOption = Annotated[
    str | None,
    typer.Option(
        metavar="TEMPLATE",
        help="Names of the results, of {stem}, {suffix} and {parent}, such as '{stem}_deblurred{suffix}'.",
        show_default=f"{DEFAULT_TEMPLATE}; without --output {BESIDE_TEMPLATE}",
        rich_help_panel=_OUTPUT_PANEL,
    ),
]
OverwriteOption = Annotated[
    bool,
    typer.Option(
        "--overwrite", help="Replace existing results. An input is never replaced.", rich_help_panel=_OUTPUT_PANEL
    ),
]
StripMetadataOption = Annotated[
    bool,
    typer.Option(
        "--strip-metadata",
        help="Leave out EXIF (with the place), texts and all else besides the pixels, in sRGB.",
        rich_help_panel=_OUTPUT_PANEL,
    ),
]
CompareOption = Annotated[
    bool,
    typer.Option(
        "--compare",
        help="Also write NAME_compare.png: before and after, side by side.",
        rich_help_panel=_OUTPUT_PANEL,
    ),
]
DrawBoxesOption = Annotated[
    bool,
    typer.Option(
        "--draw-boxes",
        help="Also write NAME_boxes.png: the photo as it came, with the faces' boxes and numbers.",
        rich_help_panel=_OUTPUT_PANEL,
    ),
]
SaveFacesOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Also write each restored face there, as NAME_face1_before.png and NAME_face1_after.png.",
        rich_help_panel=_OUTPUT_PANEL,
    ),
]

SaveKernelsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Also write the blur kernel that was estimated for each restored face there, as NAME_face1_kernel.png.",
        rich_help_panel=_OUTPUT_PANEL,
    ),
]

SkipExistingOption = Annotated[
    bool,
    typer.Option(
        "--skip-existing",
        help="Leave photos alone whose results are there: a stopped batch goes on where it was.",
        rich_help_panel=_BATCH_PANEL,
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=MOST_WORKERS,
        metavar="N",
        help="Photos that are worked on at a time; each takes memory. The results are the same.",
        show_default=f"one a core, {MAX_DEFAULT_WORKERS} at most; with --engine ray one for each processor",
        rich_help_panel=_BATCH_PANEL,
    ),
]


class Engine(StrEnum):
    """What does the work."""

    LOCAL = "local"
    RAY = "ray"


EngineOption = Annotated[
    Engine,
    typer.Option(
        help="What does the work: this process, or a Ray cluster, which also takes URLs such as s3://bucket/photos.",
        rich_help_panel=_BATCH_PANEL,
    ),
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="With --engine ray: the cluster, or auto for the one of this machine.",
        show_default="Ray is started on this machine, and ended again",
        rich_help_panel=_BATCH_PANEL,
    ),
]
JsonOption = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="FILE",
        help="Also write a report at the end, as one JSON document.",
        rich_help_panel=_BATCH_PANEL,
    ),
]
JsonLinesOption = Annotated[
    Path | None,
    typer.Option(
        "--jsonl",
        metavar="FILE",
        help="Also write a line of JSON for each photo, at once; with --skip-existing the file is continued.",
        rich_help_panel=_BATCH_PANEL,
    ),
]
