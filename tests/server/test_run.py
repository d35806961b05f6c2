"""Connections of slow clients end: heads that never come, on a first or a later request, and answers left untaken."""

import socket
import threading
import time
from contextlib import contextmanager

import pytest

pytest.importorskip("starlette", reason="needs the extra: pip install 'snadnet[server]'")

import uvicorn

from snadnet.errors import ConfigError
from snadnet.server.run import bind, is_loopback, timed_protocol
from snadnet.server.settings import ServerSettings

LARGE = 50_000_000


async def answers(scope, _receive, send):
    """An application that answers every request, ``/large`` with more than a socket holds."""
    body = bytes(LARGE if scope["path"] == "/large" else 2)
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def serving(answer_seconds: float = 0.3):
    listening = bind("127.0.0.1", 0)
    settings = ServerSettings(header_seconds=0.3, keep_alive_seconds=1, answer_seconds=answer_seconds)
    config = uvicorn.Config(answers, http=timed_protocol(settings), ws="none", lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    try:
        yield server, listening.getsockname()
    finally:
        server.should_exit = True
        thread.join(20)


def is_closed_while_dripping(connection: socket.socket) -> bool:
    """Send a byte of a head now and then, until the other side has closed the connection."""
    connection.settimeout(0.05)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            connection.sendall(b"x")
            if connection.recv(1000) == b"":
                return True
        except TimeoutError:
            continue
        except ConnectionError:
            return True
    return False


@pytest.mark.parametrize("earlier", [0, 1])
def test_a_head_that_never_ends_is_cut_off_on_a_first_and_on_a_later_request(earlier):
    with serving() as (_, place), socket.create_connection(place, timeout=20) as connection:
        for _ in range(earlier):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        assert is_closed_while_dripping(connection)


def test_a_client_that_never_takes_its_answer_is_cut_off():
    with serving() as (server, place), socket.create_connection(place, timeout=20) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(10) == b"HTTP/1.1 2"
        deadline = time.monotonic() + 20
        while server.server_state.connections and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not server.server_state.connections


def test_a_slow_client_that_goes_on_taking_its_answer_gets_all_of_it():
    with serving(answer_seconds=30) as (_, place), socket.create_connection(place, timeout=20) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(2)  # past the time for a further request's head
        received = 0
        while piece := connection.recv(1_000_000):
            received += len(piece)
        assert received > LARGE


def test_only_this_machines_own_addresses_are_loopback():
    assert all(map(is_loopback, ("127.0.0.1", "127.1.2.3", "localhost", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.0.2", "example.org")))


def test_a_limit_of_nothing_is_refused_by_name():
    for limits in ({"workers": 0}, {"request_seconds": float("nan")}, {"answer_seconds": -1}, {"queue": -1}):
        with pytest.raises(ConfigError, match=next(iter(limits))):
            ServerSettings(**limits)
