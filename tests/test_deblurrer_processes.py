"""One deblurrer in many processes: forked after it has worked, and pickled."""

import multiprocessing
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from snadnet import Deblurrer
from snadnet.concurrency import CorePool
from snadnet.inference import load_model
from snadnet.models import create_network, save_network

SECONDS = 60
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")


@pytest.fixture(scope="module")
def pair(portrait):
    return np.hstack([portrait, portrait])


@pytest.fixture(scope="module")
def torch_weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_network(path, create_network("deblurgan-tiny"), "deblurgan-tiny")
    return path


def pixels_of(deblurrer: Deblurrer, photo: np.ndarray) -> bytes:
    return deblurrer.restore(photo).photo.pixels.tobytes()


def in_forked_child(work: Callable[[], bytes]) -> bytes | None:
    """Return the work's result from a forked process; None if that never ends."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=lambda: there.send_bytes(work()))
    child.start()
    try:
        return here.recv_bytes() if here.poll(SECONDS) else None
    finally:
        child.kill()
        child.join()


@needs_fork
@pytest.mark.parametrize("runtime", ["graph", "torch"])
def test_a_forked_child_restores_several_faces_after_its_parent_has(pair, tiny_network, torch_weights, runtime):
    deblurrer = Deblurrer(weights=tiny_network if runtime == "graph" else torch_weights, device="cpu")
    expected = deblurrer.restore(pair)
    assert len(expected.faces) == 2
    given = in_forked_child(lambda: pixels_of(deblurrer, pair))
    assert given is not None, "the child hangs"
    found = np.frombuffer(given, np.uint8).reshape(pair.shape).astype(int)
    assert np.abs(found - expected.photo.pixels).max() <= (0 if runtime == "graph" else 1)
    # The parent goes on as before.
    assert np.array_equal(deblurrer.restore(pair).photo.pixels, expected.photo.pixels)


@needs_fork
def test_a_forked_child_of_a_forked_child_works_too(pair, tiny_network):
    deblurrer = Deblurrer(weights=tiny_network, device="cpu")
    expected = deblurrer.restore(pair).photo.pixels.tobytes()

    def child() -> bytes:
        deblurrer.restore(pair)
        return in_forked_child(lambda: pixels_of(deblurrer, pair)) or b"hangs"

    assert in_forked_child(child) == expected


def test_a_pickled_deblurrer_keeps_its_settings_and_pixels(pair, tiny_network, monkeypatch, tmp_path):
    monkeypatch.chdir(tiny_network.parent)
    settings = {"min_confidence": 0.6, "min_face": 20, "max_faces": 1, "batch_size": 3}
    deblurrer = Deblurrer(weights=tiny_network.name, device="cpu", **settings)
    content = pickle.dumps(deblurrer)
    assert len(content) < 2000  # the file is named, not carried
    monkeypatch.chdir(tmp_path)  # a relative path would lead elsewhere
    copy = pickle.loads(content)
    expected, found = deblurrer.restore(pair), copy.restore(pair)
    assert np.array_equal(found.photo.pixels, expected.photo.pixels)
    assert found.skipped == expected.skipped
    assert found.summary == "2 faces: 1 restored, 1 more than 1 face"
    assert copy._detector.min_confidence == 0.6
    assert (copy.min_face, copy.max_faces, copy.batch_size, copy.device) == (20, 1, 3, "cpu")


def test_released_weights_travel_by_name():
    for weights in (None, "natural", "snadnet-small", Path("natural")):
        content = pickle.dumps(Deblurrer(weights=weights, device="cpu"))
        assert b".onnx" not in content
        assert pickle.loads(content).device == "cpu"


@pytest.mark.parametrize("runtime", ["graph", "torch"])
def test_an_open_network_can_be_pickled(pair, tiny_network, torch_weights, runtime):
    network = load_model(tiny_network if runtime == "graph" else torch_weights, "cpu")
    copy = pickle.loads(pickle.dumps(network))
    crops = np.random.default_rng(0).random((2, 40, 48, 3), np.float32)
    assert np.array_equal(copy(crops).restored, network(crops).restored)
    assert (copy.device, copy.model, type(copy)) == (network.device, network.model, type(network))
    travelled = pickle.loads(pickle.dumps(Deblurrer(network=network)))
    assert np.array_equal(travelled.restore(pair).photo.pixels, Deblurrer(network=network).restore(pair).photo.pixels)


@pytest.mark.skipif(sys.platform != "linux", reason="affinity is Linux's")
def test_the_pool_has_a_thread_for_each_core_of_this_process(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0, 1, 2, 5, 7})
    assert CorePool("threads").threads()._max_workers == 5
