"""Networks by name, and their weights files.

``create_model`` and ``read_model`` give models that share one interface for each task; ``create_network`` gives a
network as its paper has it: its own value range, sizes and outputs.
"""

from snadnet.models.checkpoint_io import read_weights, save_network
from snadnet.models.descriptor import ModelDescriptor, ValueRange
from snadnet.models.registry import create_model, create_network, describe_model, list_models, read_model
from snadnet.models.restorer import Restorer
from snadnet.size_rule import SizeRule

__all__ = [
    "ModelDescriptor",
    "Restorer",
    "SizeRule",
    "ValueRange",
    "create_model",
    "create_network",
    "describe_model",
    "list_models",
    "read_model",
    "read_weights",
    "save_network",
]
