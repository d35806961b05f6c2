"""SNADNet behind the interface of all deblurring models."""

import torch

from snadnet.models.snadnet.network import class_probabilities
from support.deblurring_model_checks import DeblurringModelChecks


def test_class_probabilities_are_the_softmax_whatever_the_logits() -> None:
    logits = torch.randn(2, 19, 8, 8, generator=torch.Generator().manual_seed(1)) * 200.0
    torch.testing.assert_close(class_probabilities(logits), torch.softmax(logits, dim=1))


class TestSNADNet(DeblurringModelChecks):
    name = "snadnet-small"


class TestTinySNADNet(DeblurringModelChecks):
    name = "snadnet-tiny"


class TestTinyLinkNet(DeblurringModelChecks):
    name = "snadnet-tiny-linknet"


class TestTinyBNAD(DeblurringModelChecks):
    name = "snadnet-tiny-bnad"
