"""The training loop: one for every recipe."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from snadnet.concurrency import StopSignal
from snadnet.errors import SnadnetError, TrainingError
from snadnet.inference import Device
from snadnet.training.callbacks import Callback, LossLogging, PeriodicCheckpoint, Validation
from snadnet.training.config import RunSettings
from snadnet.training.ema import exponential_average
from snadnet.training.faces import training_and_validation_faces
from snadnet.training.finite import FiniteLosses
from snadnet.training.metric_logger import Display, MetricLogger
from snadnet.training.processes import agree, lost_processes, start
from snadnet.training.recipes import RECIPES
from snadnet.training.recipes.base import Recipe
from snadnet.training.run import AVERAGE, NETWORK, Run
from snadnet.training.run_lock import run_lock
from snadnet.training.validation import fixed_faces


def train(
    settings: RunSettings,
    folder: Path,
    *,
    device: Device = "auto",
    display: Display | None = None,
    stop: StopSignal | None = None,
    callbacks: Sequence[Callback] = (),
) -> dict[str, float]:
    """Train a network, or go on with the run that ``folder`` holds, and write ``folder/weights.safetensors``.

    Args:
        settings: All of the run's settings, as `snadnet.training.load_settings` reads them.
        folder: Where the run is kept: logs, samples, checkpoints, weights.
        device: ``"auto"`` takes a GPU where there is one.
        display: Shown messages and progress.
        stop: Once it is requested, the run ends in good order after its present step.
        callbacks: Called after the loop's own.

    Returns:
        The last validation's scores by name.

    Raises:
        ConfigError: If settings contradict each other, or another training runs in the folder.
        DataError: If a data folder is missing or empty, or a face cannot be read; a checkpoint is kept.
        ModelError: If the recipe is not for this model.
        WeightsError: If a weights file or checkpoint cannot be used.
        TrainingError: If a loss or a weight is no longer finite; no such weight is written. Or if another process of
            the run has gone.
    """
    recipe_type = RECIPES[settings.recipe]
    recipe_type.check_model(settings)
    training, held_out = training_and_validation_faces(settings.data)
    recipe_type.check_faces(settings, training, held_out)
    accelerator = start(settings, device)
    recipe = recipe_type(settings, accelerator)
    average = exponential_average(recipe.network, settings.ema_decay).to(accelerator.device)
    validation = Validation(recipe, average, fixed_faces(held_out, settings.validation))
    # At the end they are called from the last to the first: a checkpoint is safe before anything else is tried.
    every: list[Callback] = [LossLogging(), validation, PeriodicCheckpoint(), *callbacks]

    with ExitStack() as stack:
        if accelerator.is_main_process:
            stack.enter_context(run_lock(folder))
        logger = stack.enter_context(MetricLogger(folder, display, active=accelerator.is_main_process))
        run = _opened(folder, recipe, average, logger)
        run.stop = stop or run.stop
        batches = stack.enter_context(closing(recipe.batches(training, run)))
        with lost_processes(accelerator):
            _take_steps(run, recipe, average, batches, callbacks=every)
        batches.close()
        for callback in reversed(every):
            callback.at_end(run)
    return validation.scores


def _opened(folder: Path, recipe: Recipe[Any, Any], average: AveragedModel, logger: MetricLogger) -> Run:
    """Return the run, at its newest checkpoint."""
    run = Run(folder, recipe.settings, recipe.accelerator, logger)
    learners = {NETWORK: recipe.learner, **recipe.critics}
    run.modules = {name: learner.network for name, learner in learners.items()} | {AVERAGE: average}
    run.optimizers = {name: learner.optimizer for name, learner in learners.items()}
    for remark in recipe.remarks:
        logger.log_message(remark)
    run.resume()
    return run


def _take_steps(
    run: Run,
    recipe: Recipe[Any, Any],
    average: AveragedModel,
    batches: Iterator[tuple[Tensor, ...]],
    *,
    callbacks: Sequence[Callback],
) -> None:
    """Train until the schedule ends or a stop is requested.

    Raises:
        SnadnetError: If a face cannot be read, after a checkpoint was written; or a loss is not finite, without one.
    """
    finite = FiniteLosses()
    recipe.trained.train()
    while True:
        batch, unreadable = _next(batches)
        finite.check_pending()
        failure = finite.failure or unreadable
        agreed = agree(
            run.accelerator,
            progress=run.clock.progress(),
            stop=run.stop.reason is not None,
            failed=failure is not None,
        )
        if agreed.stop or agreed.progress >= 1.0:
            break
        if agreed.failed:
            if finite.failure is None:
                with suppress(TrainingError):  # of weights that are not finite; what came first is what counts
                    run.save()
            raise failure or TrainingError("another process of this run failed; its own message says why")
        assert batch is not None
        rate = recipe.set_learning_rates(run.learning_rate_factor(agreed.progress), agreed.progress)
        losses = recipe.training_step(batch, agreed.progress)
        finite.watch(run.step + 1, losses)
        if finite.failure is not None and run.accelerator.num_processes == 1:
            break
        # Processes that train together wait for each other's gradients; they learn of a failure before the next step.
        recipe.learner.step_down(losses["loss"])
        average.update_parameters(recipe.network)
        run.clock.step += 1
        run.clock.faces += len(batch[0]) * run.accelerator.num_processes
        values: dict[str, Tensor | float] = {name: loss.detach() for name, loss in losses.items()}
        for callback in callbacks if finite.failure is None else ():
            callback.after_step(run, values | {"learning_rate": rate})
    finite.check_pending()
    if finite.failure is not None:
        raise finite.failure
    if agreed.stop:
        run.logger.log_message(f"stopped at step {run.step}; the same command goes on from there")


def _next(batches: Iterator[tuple[Tensor, ...]]) -> tuple[tuple[Tensor, ...] | None, SnadnetError | None]:
    """Return the next batch, or why there is none; neither where a stop ended them."""
    try:
        return next(batches, None), None
    except SnadnetError as error:
        return None, error
