"""The catalogue that the runtime reads agrees with the registry."""

from snadnet.catalogue import read_catalogue
from snadnet.models.convert import LAYOUTS
from snadnet.models.listing import catalogue_entries


def test_the_catalogue_is_what_the_registry_says() -> None:
    assert read_catalogue() == catalogue_entries(), "write it again: python -m snadnet.models.listing"


def test_released_and_importable_networks_are_marked() -> None:
    entries = {entry.name: entry for entry in read_catalogue()}
    assert entries["snadnet-small"].releases == ("snadnet-small",)
    assert entries["snadnet-small-full"].releases == ("snadnet-small-full", "snadnet-small-natural")
    assert entries["bisenet-small"].releases == ("bisenet-small-sharp",)
    assert {name for name, entry in entries.items() if entry.importable} == set(LAYOUTS)
