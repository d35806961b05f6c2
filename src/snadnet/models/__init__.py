"""Networks by name, and their weights files.

:func:`create_model` and :func:`load_model` give deblurring models of one interface; :func:`create_network` and
:func:`load_network` give any network as its paper has it.
"""

from snadnet.models.descriptor import ModelDescriptor, ValueRange
from snadnet.models.registry import create_model, create_network, describe_model, list_models
from snadnet.models.restorer import Restorer
from snadnet.models.weights_file import load_model, load_network, read_weights, save_network
from snadnet.sizes import SizeRule

__all__ = [
    "ModelDescriptor",
    "Restorer",
    "SizeRule",
    "ValueRange",
    "create_model",
    "create_network",
    "describe_model",
    "list_models",
    "load_model",
    "load_network",
    "read_weights",
    "save_network",
]
