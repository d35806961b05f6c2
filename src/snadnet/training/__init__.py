"""Training: one loop for every recipe, resumable.

For example::

    from snadnet.training import load_settings, train

    scores = train(load_settings(Path("configs/nafnet/tiny.yaml")), Path("runs/nafnet"))
"""

from snadnet.training.loop import train
from snadnet.training.recipes import load_settings

__all__ = ["load_settings", "train"]
