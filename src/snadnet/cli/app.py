"""The ``snadnet`` command: collects the verbs and turns errors into one clear line and an exit code."""

import io
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from snadnet import __version__
from snadnet.cli.shared.loading import loading
from snadnet.errors import SnadnetError


@dataclass(frozen=True)
class Verb:
    """A verb and where it is found.

    Attributes:
        name: The word on the command line.
        module: The module that holds it, below ``snadnet.cli``.
        member: The function, or the typer.Typer of a verb with several parts, in that module.
        summary: The line of ``snadnet --help``: the first paragraph of the verb's own help.
    """

    name: str
    module: str
    member: str
    summary: str


VERBS: Final = (
    Verb("deblur", "deblur.command", "deblur", "Deblur the faces in photos and clips."),
    Verb("blur", "blur", "blur", "Blur a photo as a moving camera does, to see what deblurring has to undo."),
    Verb(
        *("benchmark", "benchmark", "benchmark"),
        "Measure the cost of deblurring networks: parameters, multiply-adds, seconds, peak memory.",
    ),
    Verb("devices", "devices", "devices", "List what networks can run on here, as --device takes it."),
    Verb(
        *("evaluate", "evaluate", "evaluate"),
        "Score methods on a test set, face by face, beside the blurred input itself.",
    ),
    Verb(
        *("evaluate-parsers", "evaluate_parsers", "evaluate_parsers"),
        "Score face parsers by class, on the sharp and on the blurred faces of a test set with label maps.",
    ),
    Verb(
        *("export", "export", "export"),
        "Write the weights of any deblurring network as one ONNX graph, which snadnet deblur runs without PyTorch.",
    ),
    Verb(
        *("freeze", "freeze", "freeze"),
        "Write a test set once, blurred and sharp, so that every method sees the same pixels.",
    ),
    Verb(
        *("import", "importing", "import_weights"),
        "Read weights that the authors of a network released, so that all other commands take them.",
    ),
    Verb(
        *("kernels", "kernels", "kernels"),
        "Write the camera-trajectory kernels of the CelebA protocol: for training, and the 2,500 others for test.",
    ),
    Verb(
        *("label", "label", "label"),
        "Label every face with a sharp-face parser, for training: 8-bit PNGs of class ids, one for each face.",
    ),
    Verb(
        *("models", "models", "models"),
        "List all networks by paper: parameters, cost at 256 px, image sizes, released weights and licence.",
    ),
    Verb("figure", "figure", "app", "Draw the paper's figures from a test set, as PNG, JPEG or PDF."),
    Verb(
        *("prepare", "prepare", "app"),
        "Make a data set ready for training. Nothing is downloaded: fetch it by hand, under its own terms.",
    ),
    Verb(
        *("reproduce", "reproduce", "reproduce"),
        "Make a table of the paper again: train every row under one budget, score all on one frozen test set, report.",
    ),
    Verb(
        *("serve", "serve", "serve"),
        "Open a page in which photos are deblurred, and an HTTP service for programs. Nothing leaves this machine.",
    ),
    Verb(
        *("train", "train", "train"),
        "Train a network: a face parser, SNADNet or a baseline, as the configuration's recipe says.",
    ),
)
"""All verbs, in the order of ``snadnet --help``."""

RENAMED_OPTIONS: Final = {"--out": "--output", "--cpu": "--device cpu", "--parser": "--weights", "--picture": "--image"}
"""Options by the names that they had in earlier versions, and what to give today."""


class VerbCommand(TyperCommand):
    """A verb that is listed by its summary, and whose module is loaded only to use it.

    So ``snadnet --help`` and ``--version`` load neither NumPy, OpenCV nor ONNX Runtime.
    """

    def __init__(self, verb: Verb) -> None:
        super().__init__(name=verb.name, help=verb.summary)
        self._verb = verb

    def load(self) -> Any:  # noqa: ANN401 - a command of the click that typer carries, which has no public name
        """Return the command itself."""
        member = getattr(import_module(f"snadnet.cli.{self._verb.module}"), self._verb.member)
        if isinstance(member, typer.Typer):
            return typer.main.get_group(member)
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(self._verb.name)(member)
        return typer.main.get_command(alone)

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:  # noqa: ANN401
        """Load the command, and let it parse its arguments.

        Raises:
            BadParameter: If an option goes by another name today.
        """
        with loading():
            command = self.load()
            if not extra.get("resilient_parsing"):
                _refuse_renamed(args, known=_option_names(command))
            return command.make_context(info_name, args, parent=parent, **extra)


class _Verbs(TyperGroup):
    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - typer's own
        super().__init__(**attributes)
        for verb in VERBS:
            self.add_command(VerbCommand(verb))


app = typer.Typer(
    name="snadnet",
    cls=_Verbs,
    help="Deblur the faces in a photo. The result is an estimate, not evidence: do not identify people by it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"snadnet {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    del version  # its callback has done the work


def main() -> None:
    """Run the command line; the exit code is 0 (all done), 1 (something failed), 2 (usage) or the verb's own."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A file's name may have letters that the terminal's encoding lacks, which must not end a batch.
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except SnadnetError as error:
        _fail(str(error))
    except OSError as error:
        # A full disk or a folder without permission, met where no better message could be made.
        place = f"{error.filename}: " if error.filename else ""
        _fail(f"{place}{error.strerror or error}; check the disk and the permissions")


def _fail(line: str) -> NoReturn:
    print(f"snadnet: {line}", file=sys.stderr)
    sys.exit(1)


def _refuse_renamed(arguments: list[str], known: set[str]) -> None:
    for argument in arguments:
        if argument == "--":  # what follows are names of files
            return
        word = argument.partition("=")[0]
        if word in RENAMED_OPTIONS and word not in known:
            raise typer.BadParameter(f"is called {RENAMED_OPTIONS[word]} now", param_hint=word)


def _option_names(command: Any) -> set[str]:  # noqa: ANN401 - as VerbCommand.load
    own = {name for parameter in command.params for name in parameter.opts}
    parts = getattr(command, "commands", {}).values()
    return own.union(*(_option_names(part) for part in parts))
