"""BiSeNet, the face parser (Yu et al. 2018; paper, II-A)."""

from snadnet.models.bisenet.network import BiSeNet, ParsingLogits

__all__ = ["BiSeNet", "ParsingLogits"]
