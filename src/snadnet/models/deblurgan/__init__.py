"""DeblurGAN (Kupyn et al. 2018): a residual generator against a patch critic."""

from snadnet.models.deblurgan.critic import PatchCritic
from snadnet.models.deblurgan.network import Generator, GeneratorConfig
from snadnet.models.descriptor import SIGNED, ModelDescriptor
from snadnet.size_rule import SizeRule

__all__ = ["DESCRIPTORS", "Generator", "GeneratorConfig", "PatchCritic"]


def _descriptor(name: str, config: GeneratorConfig) -> ModelDescriptor:
    return ModelDescriptor(
        name,
        task="deblurring",
        role="baseline",
        paper="Kupyn et al., DeblurGAN: Blind Motion Deblurring Using Conditional Adversarial Networks",
        year=2018,
        licence="BSD-style",
        build=lambda: Generator(config),
        size=SizeRule.multiple_of(4),
        values=SIGNED,
    )


DESCRIPTORS = (
    _descriptor("deblurgan", GeneratorConfig()),
    # At the cost of the other "-tiny" networks.
    _descriptor("deblurgan-tiny", GeneratorConfig(width=10)),
    # Where the release deviates from the paper.
    _descriptor("deblurgan-released-block", GeneratorConfig(single_convolution=True)),
    _descriptor("deblurgan-released-dropout", GeneratorConfig(inference_dropout=True)),
)
