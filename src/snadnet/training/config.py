"""The settings of training runs, checked: what all recipes have in common."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from snadnet.data.dataset import Augmentation, SizeShare
from snadnet.data.degradation import SHARP_ONLY, Degradation
from snadnet.data.protocols import PROTOCOLS

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(value: str | float | None) -> float | None:
    """Return seconds from ``90``, ``"90s"``, ``"90m"``, ``"3h"`` or ``"2d"``.

    Raises:
        ValueError: If it is not a duration above zero.
    """
    if value is None:
        return None
    text = str(value).strip().lower()
    number, unit = (text[:-1], text[-1]) if text and text[-1] in _SECONDS else (text, "s")
    try:
        seconds = float(number) * _SECONDS[unit]
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds < float("inf"):
        raise ValueError(f"'{value}' is not a duration; write it like 90m, 3h or 45s")
    return seconds


class StrictSettings(BaseModel):
    """Base of all settings: an unknown one is refused, and none changes during a run."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(StrictSettings):
    """A folder of aligned square faces.

    Attributes:
        images: The folder.
        labels: A folder of label maps with the same names, if there is one.
        hold_out: So many faces, the last by name, are never trained on.
    """

    images: Path
    labels: Path | None = None
    hold_out: int = Field(0, ge=0)


class DataSettings(StrictSettings):
    """The training data. Validation takes the held-out faces of the first source.

    Attributes:
        sources: Folders of faces.
        sizes: Image sizes, and how often each is drawn.
        degradation: How sharp faces are blurred; none if left out.
        augmentation: Random changes of the sharp faces.
        workers: Processes that prepare samples beside the one that trains.
    """

    sources: list[Source] = Field(min_length=1)
    sizes: list[SizeShare] = Field(default=[SizeShare()], min_length=1)
    degradation: Degradation = SHARP_ONLY
    augmentation: Augmentation = Augmentation()
    workers: int = Field(1, ge=0)


class OptimizerSettings(StrictSettings):
    """Which optimizer, and its constants; ``momentum`` is for SGD, ``betas`` for Adam and AdamW."""

    kind: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: float = Field(2e-4, gt=0)
    betas: tuple[float, float] = (0.5, 0.999)
    momentum: float = Field(0.9, ge=0, lt=1)
    weight_decay: float = Field(0.0, ge=0)
    clip: float | None = Field(None, gt=0)


class ScheduleSettings(StrictSettings):
    """The length of training and the course of the learning rate: warm-up, perhaps a plateau, then down to ``floor``.

    Attributes:
        steps: Optimizer steps.
        time_budget: Seconds of training.
        faces: Faces that are trained on, repetitions counted. Of several limits, whichever ends first.
        warmup: Steps of the warm-up.
        hold: Share of the training before the decay begins.
        decay: A half cosine, a straight line, or ``plateaus`` equal parts.
        plateaus: Number of those parts, the first at the full rate; only for ``decay: plateaus``.
        factor: From each of them to the next.
        floor: What the learning rate decays to, as a share of the first.
    """

    steps: int | None = Field(None, ge=1)
    time_budget: Annotated[float | None, BeforeValidator(parse_duration)] = None
    faces: int | None = Field(None, ge=1)
    warmup: int = Field(100, ge=0)
    hold: float = Field(0.0, ge=0, lt=1)
    decay: Literal["cosine", "linear", "plateaus"] = "cosine"
    plateaus: int = Field(4, ge=1)
    factor: float = Field(0.1, gt=0, le=1)
    floor: float = Field(0.01, ge=0, le=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.steps is None and self.time_budget is None and self.faces is None:
            raise ValueError("give steps, time_budget or faces, or training would never end")
        idle = {"plateaus", "factor"} & self.model_fields_set
        if self.decay != "plateaus" and idle:
            raise ValueError(f"{min(idle)} goes with decay: plateaus")
        return self


class ValidationSettings(StrictSettings):
    """When and on what a run is validated: ``faces`` of the held-out ones, evenly spaced, under each protocol."""

    every: int = Field(1000, ge=1)
    faces: int = Field(64, ge=1)
    protocols: list[str] = Field(default=["celeba", "celeba-hq"], min_length=1)
    batch_size: int = Field(8, ge=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        known = [protocol.name for protocol in PROTOCOLS.values() if protocol.aligned]
        unknown = [name for name in self.protocols if name not in known]
        if unknown:
            raise ValueError(f"no protocol of aligned faces {unknown[0]!r}; choose of: {', '.join(known)}")
        return self


class RunSettings(StrictSettings):
    """Settings that all runs have in common. Those of one recipe are added by its own class in ``recipes``.

    Attributes:
        recipe: How the network is trained: a name in `snadnet.training.recipes.RECIPES`.
        model: Name of the network in the registry.
        initial: Weights file of a whole network to start from.
        seed: Determines initial weights, order, augmentation and blur.
        precision: Of the forward and backward passes.
        ema_decay: Of the exponential moving average of the weights, which is what is validated and kept.
        checkpoint_minutes: A checkpoint is written so often, and at the end.
        log_every: Steps between two lines of the log.
    """

    recipe: str
    model: str
    initial: Path | None = None
    seed: int = Field(0, ge=0)
    # An unquoted "no" is YAML's way to write false.
    precision: Annotated[Literal["no", "fp16", "bf16"], BeforeValidator(lambda v: "no" if v is False else v)] = "no"
    ema_decay: float = Field(0.999, ge=0, lt=1)
    checkpoint_minutes: float = Field(5.0, gt=0)
    log_every: int = Field(20, ge=1)
    data: DataSettings
    optimizer: OptimizerSettings = OptimizerSettings()
    schedule: ScheduleSettings
    validation: ValidationSettings = ValidationSettings()


class LabelledSettings(RunSettings):
    """Training that needs the classes of a face's pixels.

    Attributes:
        label_parser: Weights file of a sharp-face parser, for the faces without a label map.
    """

    label_parser: Path | None = None
