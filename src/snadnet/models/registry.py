"""The explicit registry of networks. A network is known by its name, and every fact about it stands here once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from torch import nn

from snadnet.errors import ModelError
from snadnet.models.bisenet import BiSeNet
from snadnet.models.snadnet import BASE, SMALL, SMALL_PAPER, SMALL_UNSHUFFLE_4, GeneratorConfig, SNADNet, size_multiple

Task = Literal["deblurring", "parsing"]


@dataclass(frozen=True)
class ModelEntry:
    """What the project knows of a network.

    Attributes:
        name: what it is called on the command line and in weights files.
        task: ``"deblurring"``: ``(B, 3, H, W)`` RGB in ``[0, 1]`` to the same; ``"parsing"``: the same input to
            logits ``(B, 19, H, W)``.
        paper: where it was published.
        size_multiple: heights and widths that it works on as they are; it pads others by itself.
        build: makes the untrained network.
    """

    name: str
    task: Task
    paper: str
    size_multiple: int
    build: Callable[[], nn.Module]


_SNADNET = "Zhang et al., Face Deblurring Based on Separable Normalization and Adaptive Denormalization"
_BISENET = "Yu et al. 2018, BiSeNet: Bilateral Segmentation Network for Real-time Semantic Segmentation"


def _snadnet(name: str, generator: GeneratorConfig, parser_width: float) -> ModelEntry:
    return ModelEntry(
        name,
        "deblurring",
        _SNADNET,
        size_multiple(generator),
        lambda: SNADNet(generator, parser_width=parser_width),
    )


_ENTRIES = (
    ModelEntry("bisenet", "parsing", _BISENET, 1, BiSeNet),
    ModelEntry("bisenet-small", "parsing", f"{_BISENET} (a quarter of its width)", 1, lambda: BiSeNet(0.25)),
    _snadnet("snadnet-base", BASE, 1.0),
    _snadnet("snadnet-small", SMALL, 0.25),
    _snadnet("snadnet-small-paper", SMALL_PAPER, 0.25),
    # The [choice] points of SPEC, one change each against snadnet-small, for the experiments in docs/.
    _snadnet("snadnet-small-argmax", replace(SMALL, soft_parsing=False), 0.25),
    _snadnet("snadnet-small-direct", replace(SMALL, residual_output=False), 0.25),
    _snadnet("snadnet-small-instance", replace(SMALL, normalization="instance"), 0.25),
    _snadnet("snadnet-small-unshuffle4", SMALL_UNSHUFFLE_4, 0.25),
)
_REGISTRY = {entry.name: entry for entry in _ENTRIES}


def list_models(task: Task | None = None) -> list[str]:
    """Return the names of all networks, or of those for one task, in alphabetical order."""
    return sorted(name for name, entry in _REGISTRY.items() if task in (None, entry.task))


def model_entry(name: str) -> ModelEntry:
    """Return what is known of a network.

    Raises:
        ModelError: if there is no network of that name.
    """
    if name not in _REGISTRY:
        raise ModelError(f"there is no model {name!r}; choose one of: {', '.join(list_models())}")
    return _REGISTRY[name]


def create_model(name: str) -> nn.Module:
    """Build an untrained network.

    Raises:
        ModelError: if there is no network of that name.
    """
    return model_entry(name).build()
