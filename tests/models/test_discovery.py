"""A new family of networks is found in its package, without being listed anywhere."""

import sys
from pathlib import Path

import pytest

import snadnet.models
from snadnet.models.discovery import collect

FAMILY = """
from torch import nn
from snadnet.models.descriptor import ModelDescriptor

DESCRIPTORS = (
    ModelDescriptor(
        "identity", task="deblurring", role="reference", paper="Nobody, Nothing", year=2026, licence="MIT",
        build=nn.Identity,
    ),
)
"""


def test_a_package_that_declares_networks_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "identity").mkdir()
    (tmp_path / "identity" / "__init__.py").write_text(FAMILY)
    (tmp_path / "no_family.py").write_text("raise AssertionError('not to be imported')")
    monkeypatch.setattr(snadnet.models, "__path__", [*snadnet.models.__path__, str(tmp_path)])
    try:
        found = collect("snadnet.models", "DESCRIPTORS", skip=("convert", "layers"), packages=True)
    finally:
        sys.modules.pop("snadnet.models.identity", None)
    names = [descriptor.name for descriptors in found for descriptor in descriptors]
    assert "identity" in names
    assert "bisenet" in names
    assert len(set(names)) == len(names)
