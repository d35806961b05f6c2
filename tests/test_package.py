"""Public names of ``snadnet``, and that importing the package alone costs little."""

import pydoc
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import snadnet
from snadnet import errors


def test_every_public_name_is_there_and_said_in_dir() -> None:
    assert set(snadnet.__all__) <= set(dir(snadnet))
    assert len(snadnet.__all__) == len(set(snadnet.__all__))
    for name in snadnet.__all__:
        assert getattr(snadnet, name) is not None
        namespace: dict[str, object] = {}
        exec(f"from snadnet import {name}", namespace)
        assert namespace[name] is getattr(snadnet, name)
    assert sorted({name for names in snadnet._MODULES.values() for name in names}) == sorted(
        set(snadnet.__all__) - {"__version__"}
    )


def test_every_error_that_a_user_can_meet_is_offered() -> None:
    kinds = {
        name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.SnadnetError)
    }
    assert kinds <= set(snadnet.__all__)


def test_each_name_is_documented_and_named_in_the_packages_help() -> None:
    text = pydoc.plain(pydoc.render_doc(snadnet))
    for name in set(snadnet.__all__) - {"FaceChoice", "__version__"}:
        assert getattr(snadnet, name).__doc__, name
        assert name in snadnet.__doc__, name
        assert name in text


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = snadnet.nothing_like_it


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, snadnet; snadnet.__version__; dir(snadnet); from snadnet import SnadnetError;"
        "heavy = {'numpy', 'cv2', 'PIL', 'onnxruntime', 'torch', 'typer', 'rich', 'snadnet.photo'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_version_has_one_place() -> None:
    settings = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in settings["project"]
    assert "version" in settings["project"]["dynamic"]
    assert settings["tool"]["hatch"]["version"]["path"] == "src/snadnet/__init__.py"
