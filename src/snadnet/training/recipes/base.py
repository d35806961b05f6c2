"""The interface between the training loop and a family of networks."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import Tensor, nn

from snadnet.data.dataset import FaceSample
from snadnet.data.image_folder import FaceFile
from snadnet.errors import ConfigError, ModelError
from snadnet.models import create_network, describe_model, list_models
from snadnet.models.checkpoint_io import load_state, read_weights
from snadnet.models.registry import wrap
from snadnet.training.config import RunSettings
from snadnet.training.faces import device_batches
from snadnet.training.learner import Critic, Learner, make_optimizer
from snadnet.training.run import Run
from snadnet.training.validation import FixedFaces, validate_restoration

SettingsT = TypeVar("SettingsT", bound=RunSettings)
BatchT = TypeVar("BatchT", bound=tuple[Tensor, ...])
NetworkT = TypeVar("NetworkT", bound=nn.Module)


@dataclass(frozen=True)
class ValidationResult:
    """Scores of a validation, in numbers, in words and in images.

    Attributes:
        scores: By name, ``PROTOCOL/METRIC``.
        summary: In one line of text.
        images: Sample images ``(H, W, 3)``, RGB, by protocol.
    """

    scores: dict[str, float]
    summary: str
    images: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)


class Recipe(ABC, Generic[SettingsT, BatchT]):
    """How a family of networks is trained: its losses, and its critics with their own optimizers.

    The loop (`snadnet.training.train`) has everything else.

    Attributes:
        settings_type: The settings that the recipe takes.
        settings: Of this run.
        network: What is trained, on its device.
        learner: The same with its optimizer, as the accelerator prepared both.
        values: The range of values that the network works on.
        critics: By name; checkpoints hold them, and their learning rates follow the schedule.
        remarks: Lines that the run logs at its start.
    """

    settings_type: ClassVar[type[RunSettings]]

    def __init__(self, settings: SettingsT, accelerator: Accelerator) -> None:
        self.settings = settings
        self.accelerator = accelerator
        self.device: torch.device = accelerator.device
        self.remarks: list[str] = []
        self.network = self.build().to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.values = describe_model(settings.model).values
        self.learner = Learner(self.network, self.make_optimizer(), settings.optimizer, accelerator)
        self.critics: dict[str, Critic[Any]] = {}

    @property
    def trained(self) -> nn.Module:
        """The network as the accelerator prepared it; its forward pass is in the run's precision."""
        return self.learner.network

    @classmethod
    @abstractmethod
    def check_model(cls, settings: SettingsT) -> None:
        """Refuse settings with a model that the recipe cannot train.

        Raises:
            ModelError: If the model is for another task.
            ConfigError: If it is not trained on the sizes of the settings.
        """

    @classmethod
    def check_faces(cls, settings: SettingsT, training: list[FaceFile], held_out: list[FaceFile]) -> None:
        """Refuse faces without the label maps that the recipe needs.

        Raises:
            ConfigError: If label maps are missing.
        """

    @abstractmethod
    def build(self) -> nn.Module:
        """Build `network`, with the weights to start from.

        Raises:
            ModelError: If the model is not one of this recipe's.
            WeightsError: If a weights file cannot be used.
        """

    def make_optimizer(self) -> torch.optim.Optimizer:
        """Build the optimizer of `network`."""
        return make_optimizer(self.network.parameters(), self.settings.optimizer)

    def set_learning_rates(self, factor: float, progress: float) -> float:
        """Set all learning rates for a step.

        Args:
            factor: What the schedule multiplies them by.
            progress: How much of the training is done, in [0, 1].

        Returns:
            The network's own.
        """
        for critic in self.critics.values():
            critic.set_learning_rate(factor)
        return self.learner.set_learning_rate(factor)

    @abstractmethod
    def batches(self, faces: list[FaceFile], run: Run) -> Generator[BatchT, None, None]:
        """Yield what is trained on, on the device, from the run's step on, without end.

        Each is a tuple of tensors whose first dimension counts the faces.

        Raises:
            DataError: If a face cannot be read.
        """

    @abstractmethod
    def training_step(self, batch: BatchT, progress: float) -> dict[str, Tensor]:
        """Run the network on a batch, and let the critics learn from the result.

        Critics take their optimizers' steps before they judge for the network, whose own step is the loop's.

        Args:
            batch: One of `batches`.
            progress: How much of the training is done, in [0, 1].

        Returns:
            Scalars by name: ``"loss"``, to step down from, and what else is to be logged.
        """

    @abstractmethod
    def validate(self, average: nn.Module, faces: Sequence[FixedFaces]) -> ValidationResult:
        """Score the averaged network, in evaluation mode, under every protocol."""

    def released(self, average: nn.Module) -> nn.Module:
        """Return the network, as the registry builds it, that ``weights.safetensors`` holds."""
        return average


class RestoringRecipe(Recipe[SettingsT, BatchT]):
    """Base of the recipes whose networks restore faces, whatever it is that they learn from."""

    @classmethod
    def check_model(cls, settings: SettingsT) -> None:
        """Refuse what is no deblurring network, and sizes that would be trained on with padding."""
        descriptor = describe_model(settings.model)
        if descriptor.task != "deblurring":
            choice = ", ".join(list_models("deblurring"))
            raise ModelError(f"'{settings.model}' is no deblurring network; choose one of: {choice}")
        for entry in settings.data.sizes:
            if descriptor.size.padded(entry.size, entry.size) != (entry.size, entry.size):
                raise ConfigError(
                    f"data.sizes: '{settings.model}' is not trained on {entry.size} px; its sides are {descriptor.size}"
                )

    def restorer(self, average: nn.Module) -> Callable[[Tensor], Tensor]:
        """Return what restores ``(B, 3, H, W)`` in [0, 1] with the averaged network, for validation."""
        return wrap(self.released(average), self.settings.model).eval()

    def validate(self, average: nn.Module, faces: Sequence[FixedFaces]) -> ValidationResult:
        """Score the restored faces; the blurred input's own scores stand beside each."""
        batch_size = self.settings.validation.batch_size
        scores, images = validate_restoration(self.restorer(average), faces, batch_size=batch_size, device=self.device)
        return ValidationResult(scores, _summary(scores), images)


class DeblurringRecipe(RestoringRecipe[SettingsT, FaceSample]):
    """Base of those that learn from blurred faces and their sharp twins."""

    def batches(self, faces: list[FaceFile], run: Run) -> Generator[FaceSample, None, None]:
        """Yield faces on the device, from the run's step on, without end.

        Raises:
            DataError: If a face cannot be read.
        """
        return device_batches(faces, self.settings, self.accelerator, run.step)


def initial_network(settings: RunSettings, kind: type[NetworkT]) -> NetworkT:
    """Build the network that the settings name, with the weights to start from.

    Raises:
        ModelError: If the network is unknown or not of this kind.
        WeightsError: If the initial weights cannot be used.
    """
    network = create_network(settings.model)
    if not isinstance(network, kind):
        raise ModelError(
            f"the recipe '{settings.recipe}' does not train '{settings.model}'; configs/ has a folder for each family"
        )
    if settings.initial is not None:
        load_state(network, read_weights(settings.initial)[1], settings.initial)
    return network


def _summary(scores: Mapping[str, float]) -> str:
    parts = []
    for name, value in scores.items():
        protocol, metric = name.split("/")
        if metric == "psnr":
            gain = scores.get(f"{protocol}/gain")
            parts.append(f"{protocol} {value:.2f} dB" + ("" if gain is None else f" ({gain:+.2f} over the input)"))
    return ", ".join(parts)
