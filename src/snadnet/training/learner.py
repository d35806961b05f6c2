"""A network in training with its optimizer, and the critics that judge what it makes."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Generic, TypeVar

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from snadnet.errors import ConfigError
from snadnet.training.config import OptimizerSettings

Scores = TypeVar("Scores")

_SHARE: Final = "rate_share"
"""Where a group of parameters has its share of the learning rate."""


def make_optimizer(parameters: Iterable[nn.Parameter], settings: OptimizerSettings) -> torch.optim.Optimizer:
    """Build the optimizer that the settings name, of the parameters that are not frozen."""
    parameters = [parameter for parameter in parameters if parameter.requires_grad]
    if settings.kind == "sgd":
        return torch.optim.SGD(
            parameters,
            lr=settings.learning_rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )
    kind = torch.optim.Adam if settings.kind == "adam" else torch.optim.AdamW
    return kind(
        parameters,
        lr=settings.learning_rate,
        betas=settings.betas,
        weight_decay=settings.weight_decay,
        fused=True,
    )


def make_grouped_optimizer(parts: Mapping[nn.Module, float], settings: OptimizerSettings) -> torch.optim.Optimizer:
    """Build the optimizer that the settings name, of several networks, each with its share of the learning rate."""
    groups = iter(parts.items())
    first, share = next(groups)
    optimizer = make_optimizer(first.parameters(), settings)
    optimizer.param_groups[0][_SHARE] = share
    for part, share in groups:
        learning = [parameter for parameter in part.parameters() if parameter.requires_grad]
        optimizer.add_param_group({"params": learning, _SHARE: share})
    return optimizer


def load_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any], name: str) -> None:
    """Load the moments of an optimizer's parameters from a checkpoint; its constants stay as the settings have them.

    Args:
        optimizer: As the settings build it.
        state: What ``state_dict`` of its predecessor returned.
        name: The settings that it was built by, for the message.

    Raises:
        ConfigError: If the state is of an optimizer of another kind, whose moments mean something else.
        KeyError, TypeError, ValueError: If it is none of an optimizer, or of other parameters.
    """
    constants = [{key: group[key] for key in group if key != "params"} for group in optimizer.param_groups]
    is_adam = ["betas" in group for group in (optimizer.param_groups[0], state["param_groups"][0])]
    if is_adam[0] != is_adam[1]:
        now, before = ("adam or adamw" if each else "sgd" for each in is_adam)
        raise ConfigError(
            f"{name}.kind: the run's checkpoint has moments of {before}, of which {now} can make nothing; "
            f"set it back, or choose another --run folder"
        )
    optimizer.load_state_dict(state)
    for group, own in zip(optimizer.param_groups, constants, strict=True):
        group.update(own)


class Learner:
    """A network with its optimizer.

    Args:
        network: The network, on its device.
        optimizer: Of its parameters.
        settings: What the optimizer was made by.
        accelerator: Device, precision and processes.

    Attributes:
        network: As the accelerator prepared it; its forward pass is in the run's precision.
        optimizer: Likewise.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        settings: OptimizerSettings,
        accelerator: Accelerator,
    ) -> None:
        self.settings = settings
        self.accelerator = accelerator
        self.network: nn.Module
        self.optimizer: torch.optim.Optimizer
        self.network, self.optimizer = accelerator.prepare(network, optimizer)

    def set_learning_rate(self, factor: float) -> float:
        """Set the learning rate to a fraction of that of the settings, and return it; groups keep their shares."""
        rate = self.settings.learning_rate * factor
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get(_SHARE, 1.0)
        return rate

    def step_down(self, loss: Tensor) -> None:
        """Take one optimizer step down a loss, a scalar."""
        self.optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        if self.settings.clip is not None:
            self.accelerator.clip_grad_norm_(self.network.parameters(), self.settings.clip)
        self.optimizer.step()


class Critic(Learner, Generic[Scores]):
    """A network that scores images, takes its own steps, and judges for the step of the network in training.

    Args:
        network: The critic.
        settings: Of its optimizer; the learning rate follows the run's schedule.
        accelerator: Device, precision and processes.
    """

    def __init__(self, network: nn.Module, settings: OptimizerSettings, accelerator: Accelerator) -> None:
        network = network.to(memory_format=torch.channels_last)
        super().__init__(network, make_optimizer(network.parameters(), settings), settings, accelerator)

    def judge(self, images: Tensor) -> Scores:
        """Score restored images for the network's step: the gradient goes to the images, not to the critic."""
        self.network.requires_grad_(False)
        scores: Scores = self.network(images)
        self.network.requires_grad_(True)
        return scores

    @torch.no_grad()
    def judge_true(self, images: Tensor) -> Scores:
        """Score true images for the network's step, without any gradient."""
        scores: Scores = self.network(images)
        return scores

    def learn(self, loss: Callable[[nn.Module], Tensor]) -> Tensor:
        """Take the critic's own step down a loss of it, and return the loss."""
        value = loss(self.network)
        self.step_down(value)
        return value.detach()
