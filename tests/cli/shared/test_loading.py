"""While modules are loaded no garbage is collected; afterwards it is, as before."""

import gc

import pytest

from snadnet.cli.shared.loading import loading


@pytest.fixture(autouse=True)
def thawed():
    yield
    gc.unfreeze()


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
