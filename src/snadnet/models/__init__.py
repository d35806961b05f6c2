"""Networks, by name: :func:`create_model`, :func:`list_models`, and their weights files."""

from snadnet.models.registry import ModelEntry, create_model, list_models, model_entry
from snadnet.models.weights_file import load_model, read_weights, save_model

__all__ = [
    "ModelEntry",
    "create_model",
    "list_models",
    "load_model",
    "model_entry",
    "read_weights",
    "save_model",
]
