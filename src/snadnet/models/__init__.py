"""Networks by name, and their weights files.

``create_model`` and ``read_model`` give deblurring models of one interface; ``create_network`` and
``load_network`` give any network as its paper has it.
"""

from snadnet.models.checkpoint_io import load_network, read_model, read_weights, save_network
from snadnet.models.descriptor import ModelDescriptor, ValueRange
from snadnet.models.registry import create_model, create_network, describe_model, list_models
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
    "load_network",
    "read_model",
    "read_weights",
    "save_network",
]
