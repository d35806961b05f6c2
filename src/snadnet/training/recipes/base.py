"""What every recipe gives to the training loop."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Generic, TypeVar

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from snadnet.data.faces import FaceSample
from snadnet.data.pictures import FacePicture
from snadnet.errors import ModelError
from snadnet.models import create_network, describe_model
from snadnet.models.registry import wrap
from snadnet.models.weights_file import load_state, read_weights
from snadnet.training.config import DeblurringSettings
from snadnet.training.recipes.critic import Critic
from snadnet.training.run import Run, make_optimizer

SettingsT = TypeVar("SettingsT", bound=DeblurringSettings)
NetworkT = TypeVar("NetworkT", bound=nn.Module)


class Recipe(ABC, Generic[SettingsT]):
    """How a family of networks is trained: its losses, and its critics with their own optimizers.

    The loop (:func:`snadnet.training.deblurring.train_deblurring`) has everything else.

    Attributes:
        settings_type: the settings that the recipe takes.
        settings: of this run.
        network: what is trained, on its device.
        trained: the same, as the accelerator prepared it; its forward pass is in the run's precision.
        optimizer: of the network's parameters.
        critics: by name; checkpoints hold them.
        remarks: what the run says at its start.
    """

    settings_type: ClassVar[type[DeblurringSettings]]

    def __init__(self, settings: SettingsT, accelerator: Accelerator) -> None:
        self.settings = settings
        self.accelerator = accelerator
        self.device: torch.device = accelerator.device
        self.network = self.build().to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.values = describe_model(settings.model).values
        self.trained: nn.Module
        self.optimizer: torch.optim.Optimizer
        self.trained, self.optimizer = accelerator.prepare(self.network, self.make_optimizer())
        self.critics: dict[str, Critic[Any]] = {}
        self.remarks: list[str] = []

    @abstractmethod
    def build(self) -> nn.Module:
        """Build :attr:`network`, with the weights to start from.

        Raises:
            ModelError: if the model is not one of this recipe's.
            WeightsError: if a weights file cannot be used.
        """

    def make_optimizer(self) -> torch.optim.Optimizer:
        """Build the optimizer of :attr:`network`."""
        return make_optimizer(self.network.parameters(), self.settings.optimizer)

    def set_learning_rate(self, run: Run, share: float) -> float:
        """Set the network's learning rate for a step, after ``share`` of the training, and return it."""
        return run.set_learning_rate(self.optimizer, self.settings.optimizer.learning_rate)

    def batches(self, run: Run, faces: list[FacePicture]) -> Iterator[FaceSample]:
        """Yield what is trained on, from the run's current step on, without end."""
        return run.batches(faces)

    @abstractmethod
    def losses(self, batch: FaceSample, run: Run, share: float) -> dict[str, Tensor]:
        """Run the network on a batch after ``share`` of the training, and let the critics learn from the result.

        Critics take their steps before they judge for the network.

        Returns:
            Scalars by name: ``"loss"``, to step down from, and what else is to be logged.
        """

    def restorer(self, average: nn.Module) -> Callable[[Tensor], Tensor]:
        """Return what restores ``(B, 3, H, W)`` in ``[0, 1]`` with the averaged network, for validation."""
        return wrap(average, self.settings.model).eval()

    def released(self, average: nn.Module) -> nn.Module:
        """Return the network, as the registry builds it, that ``weights.safetensors`` holds."""
        return average


def initial_network(settings: DeblurringSettings, kind: type[NetworkT]) -> NetworkT:
    """Build the network that the settings name, with the weights to start from.

    Raises:
        ModelError: if the network is unknown or not of this kind.
        WeightsError: if the initial weights cannot be used.
    """
    network = create_network(settings.model)
    if not isinstance(network, kind):
        raise ModelError(
            f"the recipe '{settings.recipe}' does not train '{settings.model}'; configs/ has a file for each network"
        )
    if settings.initial is not None:
        load_state(network, read_weights(settings.initial)[1], settings.initial)
    return network
