"""Training a deblurring network by its recipe: the one loop of all of them."""

from pathlib import Path

from snadnet.errors import ConfigError, ModelError
from snadnet.models import describe_model, list_models, save_network
from snadnet.training.averaging import exponential_average
from snadnet.training.config import DeblurringSettings, RegionSettings
from snadnet.training.journal import Journal
from snadnet.training.recipes import RECIPES
from snadnet.training.run import Run, start, stop_requests, training_and_validation_faces
from snadnet.training.validation import fixed_faces, validate_restoration


def train_deblurring(settings: DeblurringSettings, folder: Path, *, cpu: bool = False) -> dict[str, float]:
    """Train a network, or go on with the run that ``folder`` holds, and write ``folder/weights.safetensors``.

    Args:
        settings: all of the run's settings.
        folder: where the run is kept.
        cpu: train on the CPU even if there is a GPU.

    Returns:
        The last validation's scores, with the blurred input's own beside them.

    Raises:
        ConfigError: if settings contradict each other.
        DataError: if a data folder is missing, empty or unreadable.
        ModelError: if the recipe is not for this model.
        WeightsError: if a weights file or checkpoint cannot be used.
    """
    _check_model(settings)
    training, held_out = training_and_validation_faces(settings.data)
    if (
        isinstance(settings, RegionSettings)
        and settings.label_parser is None
        and any(face.labels is None for face in training)
    ):
        raise ConfigError("label_parser: faces without label maps need a sharp-face parser to find their regions")

    accelerator = start(settings, cpu=cpu)
    recipe = RECIPES[settings.recipe](settings, accelerator)
    average = exponential_average(recipe.network, settings.ema_decay).to(accelerator.device)
    validation = fixed_faces(held_out, settings.validation)
    scores: dict[str, float] = {}

    with Journal(folder, active=accelerator.is_main_process) as journal, stop_requests() as stop:
        run = Run(folder, settings, accelerator, journal)
        run.modules = {"generator": recipe.trained, "average": average}
        run.optimizers = {"generator": recipe.optimizer}
        run.modules |= {name: critic.network for name, critic in recipe.critics.items()}
        run.optimizers |= {name: critic.optimizer for name, critic in recipe.critics.items()}
        for remark in recipe.remarks:
            journal.say(remark)
        run.resume()

        def validate() -> dict[str, float]:
            average.eval()
            found, pictures = validate_restoration(
                recipe.restorer(average.module),
                validation,
                batch_size=settings.validation.batch_size,
                device=accelerator.device,
            )
            journal.scalars("validation", run.progress.step, found)
            for name, picture in pictures.items():
                journal.sample(name, run.progress.step, picture)
            journal.say(f"step {run.progress.step}: " + _summary(found))
            if accelerator.is_main_process:
                save_network(folder / "weights.safetensors", recipe.released(average.module), settings.model)
            return found

        recipe.trained.train()
        for batch in recipe.batches(run, training):
            share = run.share(stopped=bool(stop))
            if share >= 1.0:
                break
            rate = recipe.set_learning_rate(run, share)
            values = recipe.losses(batch, run, share)
            run.optimize(values["loss"], recipe.trained, recipe.optimizer, settings.optimizer.clip)
            average.update_parameters(recipe.network)
            run.progress.step += 1
            run.log_if_due({name: value.detach() for name, value in values.items()} | {"learning_rate": rate})
            if run.progress.step % settings.validation.every == 0:
                scores = validate()
            run.save_if_due()
        run.save()
        scores = validate()
    return scores


def _check_model(settings: DeblurringSettings) -> None:
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


def _summary(scores: dict[str, float]) -> str:
    parts = []
    for name, value in scores.items():
        protocol, metric = name.split("/")
        if metric == "psnr":
            gain = scores.get(f"{protocol}/gain")
            parts.append(f"{protocol} {value:.2f} dB" + ("" if gain is None else f" ({gain:+.2f} over the input)"))
    return ", ".join(parts)
