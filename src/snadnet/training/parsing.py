"""Stage I: a face parser, trained on sharp faces and then fine-tuned on blurred ones (paper, II-A; SPEC 1)."""

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from snadnet.errors import ConfigError, ModelError
from snadnet.losses import FocalLoss
from snadnet.models import create_network, list_models, read_model, save_network
from snadnet.models.checkpoint_io import load_state, read_weights
from snadnet.training.config import ParsingSettings
from snadnet.training.ema import exponential_average
from snadnet.training.metric_logger import Journal
from snadnet.training.run import (
    Run,
    fill_labels,
    make_optimizer,
    start,
    stop_requests,
    training_and_validation_faces,
)
from snadnet.training.validation import fixed_faces, validate_parsing


def train_parsing(settings: ParsingSettings, folder: Path, *, cpu: bool = False) -> dict[str, float]:
    """Train a parser, or go on with the run that ``folder`` holds, and write ``folder/weights.safetensors``.

    Args:
        settings: all of the run's settings.
        folder: where the run is kept.
        cpu: train on the CPU even if there is a GPU.

    Returns:
        The last validation's scores: mean IoU by protocol, left and right merged.

    Raises:
        ConfigError: if settings contradict each other.
        DataError: if a data folder is missing, empty or unreadable.
        ModelError: if the model is not a parser.
        WeightsError: if a weights file or checkpoint cannot be used.
    """
    if settings.model not in list_models("parsing"):
        raise ModelError(f"'{settings.model}' is no parser; choose one of: {', '.join(list_models('parsing'))}")
    training, held_out = training_and_validation_faces(settings.data)
    if any(face.labels is None for face in held_out):
        raise ConfigError("data.sources.0.labels: the first source is validated on and needs label maps")
    if settings.teacher is None and any(face.labels is None for face in training):
        raise ConfigError("teacher: faces without label maps need a sharp-face parser to label them")

    accelerator = start(settings, cpu=cpu)
    device = accelerator.device
    parser = create_network(settings.model).to(memory_format=torch.channels_last)
    if settings.initial is not None:
        load_state(parser, read_weights(settings.initial)[1], settings.initial)
    teacher = None if settings.teacher is None else read_model(settings.teacher).to(device)
    optimizer = make_optimizer(parser.parameters(), settings.optimizer)
    parser, optimizer = accelerator.prepare(parser, optimizer)
    average = exponential_average(accelerator.unwrap_model(parser), settings.ema_decay).to(device)
    alpha = None if settings.alpha is None else torch.tensor(settings.alpha, device=device)
    criterion = FocalLoss(settings.gamma, alpha=alpha)
    validation = fixed_faces(held_out, settings.validation)
    scores: dict[str, float] = {}

    with Journal(folder, active=accelerator.is_main_process) as journal, stop_requests() as stop:
        run = Run(folder, settings, accelerator, journal)
        run.modules = {"parser": parser, "average": average}
        run.optimizers = {"parser": optimizer}
        run.resume()

        def validate() -> dict[str, float]:
            average.eval()
            found = validate_parsing(average, validation, batch_size=settings.validation.batch_size, device=device)
            journal.scalars("validation", run.progress.step, found)
            journal.say(f"step {run.progress.step}: " + ", ".join(f"{k} {v:.4f}" for k, v in found.items()))
            if accelerator.is_main_process:
                save_network(folder / "weights.safetensors", average.module, settings.model)
            return found

        parser.train()
        for blurred, sharp, labels, _ in run.batches(training):
            if run.share(stopped=bool(stop)) >= 1.0:
                break
            if teacher is not None:
                with torch.no_grad():
                    labels = fill_labels(labels, teacher(sharp).argmax(dim=1))  # noqa: PLW2901
            rate = run.set_learning_rate(optimizer, settings.optimizer.learning_rate)
            heads = parser(blurred)
            losses = [criterion(head, labels_at(labels, head)) for head in heads]
            loss = torch.stack(losses).sum()
            run.optimize(loss, parser, optimizer, settings.optimizer.clip)
            average.update_parameters(accelerator.unwrap_model(parser))
            run.progress.step += 1
            run.log_if_due({"loss": loss.detach(), "learning_rate": rate})
            if run.progress.step % settings.validation.every == 0:
                scores = validate()
            run.save_if_due()
        run.save()
        scores = validate()
    return scores


def labels_at(labels: Tensor, logits: Tensor) -> Tensor:
    """Pick the labels ``(B, H, W)`` that lie nearest to the pixels of logits ``(B, 19, h, w)``."""
    if labels.shape[1:] == logits.shape[2:]:
        return labels
    picked = F.interpolate(labels.unsqueeze(1).float(), size=logits.shape[2:], mode="nearest-exact")
    return picked.squeeze(1).long()
