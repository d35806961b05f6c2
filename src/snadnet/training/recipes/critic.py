"""A critic in training: its optimizer, its own steps, and its judgement for the network's step."""

from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from snadnet.training.config import OptimizerSettings
from snadnet.training.run import Run, make_optimizer

Scores = TypeVar("Scores")


class Critic(Generic[Scores]):
    """A network that scores pictures.

    Args:
        network: the critic.
        settings: of its optimizer; the learning rate follows the run's schedule.
        accelerator: device and precision.
    """

    def __init__(self, network: nn.Module, settings: OptimizerSettings, accelerator: Accelerator) -> None:
        self.settings = settings
        network = network.to(memory_format=torch.channels_last)
        self.network: nn.Module
        self.optimizer: torch.optim.Optimizer
        self.network, self.optimizer = accelerator.prepare(network, make_optimizer(network.parameters(), settings))

    def judge(self, pictures: Tensor) -> Scores:
        """Score restored pictures for the network's step: the gradient goes to the pictures, not to the critic."""
        self.network.requires_grad_(False)
        scores: Scores = self.network(pictures)
        self.network.requires_grad_(True)
        return scores

    @torch.no_grad()
    def judge_true(self, pictures: Tensor) -> Scores:
        """Score true pictures for the network's step, without any gradient."""
        scores: Scores = self.network(pictures)
        return scores

    def learn(self, run: Run, loss: Callable[[nn.Module], Tensor]) -> Tensor:
        """Take the critic's own step down a loss of it, and return the loss."""
        run.set_learning_rate(self.optimizer, self.settings.learning_rate)
        value = loss(self.network)
        run.optimize(value, self.network, self.optimizer, self.settings.clip)
        return value.detach()
