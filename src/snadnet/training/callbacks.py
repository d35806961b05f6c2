"""Callbacks of the training loop: logging, validation and checkpoints."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from snadnet.models import save_network
from snadnet.training.recipes.base import Recipe
from snadnet.training.run import Run
from snadnet.training.validation import FixedFaces


class Callback(Protocol):
    """Is called by `snadnet.training.train`, in every process of the run."""

    def after_step(self, run: Run, losses: Mapping[str, Tensor | float]) -> None:
        """Act after an optimizer step; ``losses`` are scalars by name, and the learning rate."""

    def at_end(self, run: Run) -> None:
        """Act after the last step of this start of the run."""


class LossLogging:
    """Logs the losses every ``log_every`` steps, and the progress with them."""

    def after_step(self, run: Run, losses: Mapping[str, Tensor | float]) -> None:
        """Log the losses if it is time to."""
        if run.step % run.settings.log_every:
            return
        numbers = {name: float(value) for name, value in losses.items()}
        spent = {"minutes": run.clock.seconds() / 60, "faces": run.clock.faces}
        run.logger.log_scalars("train", run.step, {**numbers, **spent})
        state = " ".join(f"{name} {value:.4g}" for name, value in numbers.items())
        run.logger.advance(run.clock.progress(), f"step {run.step} {state}")

    def at_end(self, run: Run) -> None:
        """Do nothing."""


class PeriodicCheckpoint:
    """Writes a checkpoint every ``checkpoint_minutes``, and one at the end."""

    def after_step(self, run: Run, losses: Mapping[str, Tensor | float]) -> None:
        """Write a checkpoint if it is time to."""
        run.save_if_due()

    def at_end(self, run: Run) -> None:
        """Write the last checkpoint."""
        run.save()


class Validation:
    """Scores the averaged network every so many steps and at the end, and writes ``weights.safetensors`` of it.

    Args:
        recipe: Knows how its networks are scored.
        average: The averaged network.
        faces: The held-out faces under every protocol.

    Attributes:
        scores: The last ones, by name.
    """

    def __init__(self, recipe: Recipe[Any, Any], average: AveragedModel, faces: Sequence[FixedFaces]) -> None:
        self.recipe = recipe
        self.average = average
        self.faces = faces
        self.scores: dict[str, float] = {}
        self._done_at: int | None = None

    def after_step(self, run: Run, losses: Mapping[str, Tensor | float]) -> None:
        """Validate if it is time to."""
        if run.step % run.settings.validation.every == 0:
            self._validate(run)

    def at_end(self, run: Run) -> None:
        """Validate, unless the last step was validated."""
        if self._done_at != run.step:
            self._validate(run)

    def _validate(self, run: Run) -> None:
        run.check_finite()
        self.average.eval()
        result = self.recipe.validate(self.average.module, self.faces)
        run.logger.log_scalars("validation", run.step, result.scores)
        for name, image in result.images.items():
            run.logger.log_image(name, run.step, image)
        run.logger.log_message(f"step {run.step}: {result.summary}")
        if run.accelerator.is_main_process:
            weights = self.recipe.released(self.average.module)
            save_network(run.folder / "weights.safetensors", weights, run.settings.model)
        self.scores, self._done_at = result.scores, run.step
