"""Writing the catalogue of registered networks: ``python -m snadnet.models.listing``.

The catalogue (``snadnet/catalogue.json``) lets the runtime list networks without PyTorch. Write it again whenever a
network or a release is added or changed.
"""

import json
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Final

from snadnet.catalogue import CATALOGUE_FILE, CatalogueEntry
from snadnet.files import write_atomically
from snadnet.models.checkpoint_io import read_weights
from snadnet.models.complexity import measure_complexity
from snadnet.models.convert import LAYOUTS
from snadnet.models.registry import describe_model, list_models

_PACKAGE: Final = Path(__file__).parents[1]


def catalogue_entries() -> tuple[CatalogueEntry, ...]:
    """Describe all registered networks, in alphabetical order; their costs are counted."""
    releases = defaultdict(list)
    for path in sorted((_PACKAGE / "weights").glob("*.safetensors"), key=lambda file: file.stem):
        releases[read_weights(path)[0]].append(path.stem)
    entries = []
    for name in list_models():
        descriptor = describe_model(name)
        complexity = measure_complexity(descriptor)
        entries.append(
            CatalogueEntry(
                name=name,
                task=descriptor.task,
                role=descriptor.role,
                paper=descriptor.paper,
                year=descriptor.year,
                licence=descriptor.licence,
                parameters=complexity.parameters,
                macs=complexity.macs,
                sides=str(descriptor.size),
                importable=name in LAYOUTS,
                releases=tuple(releases[name]),
            )
        )
    return tuple(entries)


if __name__ == "__main__":
    text = json.dumps([asdict(entry) for entry in catalogue_entries()], indent=1)
    write_atomically(_PACKAGE / CATALOGUE_FILE, f"{text}\n".encode())
