"""SNADNet behind the interface of all deblurring models."""

from support.deblurring_model_checks import DeblurringModelChecks


class TestSNADNet(DeblurringModelChecks):
    name = "snadnet-small"
