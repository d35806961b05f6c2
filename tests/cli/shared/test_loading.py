"""In the command's own process no garbage is collected while modules are loaded; afterwards it is, as before."""

import gc

import pytest

from snadnet.cli.shared import loading as module
from snadnet.cli.shared.loading import loading


@pytest.fixture
def own_process(monkeypatch):
    monkeypatch.setattr(module, "_own_process", True)
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("own_process")
@pytest.mark.parametrize("error", [False, True])
def test_garbage_is_collected_after_loading(error):
    frozen = gc.get_freeze_count()
    try:
        with loading():
            assert not gc.isenabled()
            kept = [[number] for number in range(1000)]
            if error:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert gc.isenabled()
    assert gc.get_freeze_count() >= frozen + len(kept)


def test_another_programs_garbage_is_left_to_it(monkeypatch):
    monkeypatch.setattr(module, "_own_process", False)
    frozen = gc.get_freeze_count()
    with loading():
        assert gc.isenabled()
    assert gc.get_freeze_count() == frozen
