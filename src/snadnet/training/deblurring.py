"""Stage II: the generator and the discriminator, under a frozen parser (paper, II-B to II-F; SPEC 1)."""

from pathlib import Path

import torch
from torch import Tensor, nn

from snadnet.data.faces import FaceSample
from snadnet.errors import ConfigError, ModelError
from snadnet.losses import AdversarialScores, GeneratorLoss, discriminator_loss, region_masks
from snadnet.models import create_network, load_network, save_network
from snadnet.models.snadnet import SNADNet
from snadnet.models.snadnet.discriminator import MultiPatchDiscriminator
from snadnet.models.weights_file import load_state, read_weights
from snadnet.training.averaging import exponential_average
from snadnet.training.config import DeblurringSettings
from snadnet.training.journal import Journal
from snadnet.training.run import (
    Run,
    fill_labels,
    make_optimizer,
    start,
    stop_requests,
    training_and_validation_faces,
)
from snadnet.training.validation import fixed_faces, validate_restoration


def train_deblurring(settings: DeblurringSettings, folder: Path, *, cpu: bool = False) -> dict[str, float]:
    """Train a generator, or go on with the run that ``folder`` holds, and write ``folder/weights.safetensors``.

    Args:
        settings: all of the run's settings.
        folder: where the run is kept.
        cpu: train on the CPU even if there is a GPU.

    Returns:
        The last validation's scores, with the blurred input's own beside them.

    Raises:
        ConfigError: if settings contradict each other.
        DataError: if a data folder is missing, empty or unreadable.
        ModelError: if the model is not a SNADNet.
        WeightsError: if a weights file or checkpoint cannot be used.
    """
    training, held_out = training_and_validation_faces(settings.data)
    if settings.label_parser is None and any(face.labels is None for face in training):
        raise ConfigError("label_parser: faces without label maps need a sharp-face parser to find their regions")

    accelerator = start(settings, cpu=cpu)
    device = accelerator.device
    network = _network(settings).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    labeller = None if settings.label_parser is None else load_network(settings.label_parser).to(device)
    optimizer = make_optimizer(network.generator.parameters(), settings.optimizer)
    generator, optimizer = accelerator.prepare(network.generator, optimizer)
    average = exponential_average(network.generator, settings.ema_decay).to(device)
    criterion = GeneratorLoss(
        settings.losses, region_weights=settings.regions, adversarial_weights=settings.patches
    ).to(device)
    validation = fixed_faces(held_out, settings.validation)
    scores: dict[str, float] = {}

    with Journal(folder, active=accelerator.is_main_process) as journal, stop_requests() as stop:
        run = Run(folder, settings, accelerator, journal)
        run.modules = {"generator": generator, "average": average}
        run.optimizers = {"generator": optimizer}
        critic = Critic(settings, run) if settings.adversarial.start < 1 else None
        run.resume()

        def validate() -> dict[str, float]:
            average.eval()
            found, pictures = validate_restoration(
                lambda blurred: average(blurred, network.parse(blurred)).restored,
                validation,
                batch_size=settings.validation.batch_size,
                device=device,
            )
            journal.scalars("validation", run.progress.step, found)
            for name, picture in pictures.items():
                journal.sample(name, run.progress.step, picture)
            journal.say(f"step {run.progress.step}: " + _summary(found))
            if accelerator.is_main_process:
                released = SNADNet(network.generator.config, parser_width=network.parser.width)
                released.parser.load_state_dict(network.parser.state_dict())
                released.generator.load_state_dict(average.module.state_dict())
                save_network(folder / "weights.safetensors", released, settings.model)
            return found

        generator.train()
        for batch in run.batches(training):
            share = run.share()
            if share >= 1.0 or stop:
                break
            rate = run.set_learning_rate(optimizer, settings.optimizer.learning_rate)
            masks = region_masks(_labels(batch, labeller))
            output = generator(batch.blurred, network.parse(batch.blurred))
            judge = critic if critic is not None and share >= settings.adversarial.start else None
            judged = None if judge is None else judge.scores(output.restored, batch.sharp)
            loss = criterion(output.restored, batch.sharp, masks, textures=output.textures, scores=judged)
            run.optimize(loss.total, generator, optimizer, settings.optimizer.clip)
            values = {"loss": loss.total, "reconstruction": loss.reconstruction, "texture": loss.texture}
            if judge is not None:
                values |= {"adversarial": loss.adversarial, "critic": judge.learn(output.restored, batch.sharp)}
            average.update_parameters(accelerator.unwrap_model(generator))
            run.progress.step += 1
            run.log_if_due({name: value.detach() for name, value in values.items()} | {"learning_rate": rate})
            if run.progress.step % settings.validation.every == 0:
                scores = validate()
            run.save_if_due()
        run.save()
        scores = validate()
    return scores


class Critic:
    """The multi-patch discriminator, its optimizer and its step (Eq. 16-17)."""

    def __init__(self, settings: DeblurringSettings, run: Run) -> None:
        self.settings = settings
        self.run = run
        size = settings.data.sizes[0].size
        network = MultiPatchDiscriminator(size, width=settings.adversarial.width)
        optimizer = make_optimizer(network.parameters(), settings.adversarial.optimizer)
        self.network, self.optimizer = run.accelerator.prepare(network, optimizer)
        run.modules["discriminator"] = self.network
        run.optimizers["discriminator"] = self.optimizer

    def scores(self, restored: Tensor, sharp: Tensor) -> AdversarialScores:
        """Judge for the generator's step; the discriminator itself gets no gradient."""
        self.network.requires_grad_(False)
        fake = self.network(restored)
        with torch.no_grad():
            real = self.network(sharp)
        self.network.requires_grad_(True)
        return AdversarialScores(fake=fake, real=real)

    def learn(self, restored: Tensor, sharp: Tensor) -> Tensor:
        """Take the discriminator's own step and return its loss."""
        options = self.settings.adversarial.optimizer
        self.run.set_learning_rate(self.optimizer, options.learning_rate)
        fake, real = self.network(restored.detach()), self.network(sharp)
        loss = discriminator_loss(fake, real, self.settings.patches)
        self.run.optimize(loss, self.network, self.optimizer, options.clip)
        return loss


def _network(settings: DeblurringSettings) -> SNADNet:
    network = create_network(settings.model)
    if not isinstance(network, SNADNet):
        raise ModelError(f"'{settings.model}' is no SNADNet; this stage trains SNADNet's generator")
    if settings.initial is not None:
        load_state(network, read_weights(settings.initial)[1], settings.initial)
    load_state(network.parser, read_weights(settings.parser)[1], settings.parser)
    return network


def _labels(batch: FaceSample, labeller: nn.Module | None) -> Tensor:
    """The sharp faces' classes: true ones where known, else the sharp-face parser's."""
    if labeller is None:
        return batch.labels
    with torch.no_grad():
        return fill_labels(batch.labels, labeller(batch.sharp).argmax(dim=1))


def _summary(scores: dict[str, float]) -> str:
    parts = []
    for name, value in scores.items():
        protocol, metric = name.split("/")
        if metric == "psnr":
            gain = scores.get(f"{protocol}/gain")
            parts.append(f"{protocol} {value:.2f} dB" + ("" if gain is None else f" ({gain:+.2f} over the input)"))
    return ", ".join(parts)
