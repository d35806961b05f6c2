"""SNADNet behind the interface of all deblurring models."""

from support.deblurring_model_checks import DeblurringModelChecks


class TestSNADNet(DeblurringModelChecks):
    name = "snadnet-small"


class TestTinySNADNet(DeblurringModelChecks):
    name = "snadnet-tiny"


class TestTinyLinkNet(DeblurringModelChecks):
    name = "snadnet-tiny-linknet"


class TestTinyBNAD(DeblurringModelChecks):
    name = "snadnet-tiny-bnad"
