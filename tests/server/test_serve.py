"""``snadnet serve`` as a process: its address, slow and vanished clients, and a stop that loses nothing."""

import http.client
import io
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from PIL import Image

from support.service import running_service

pytest.importorskip("starlette", reason="needs the extra: pip install 'snadnet[server]'")

from typer.testing import CliRunner

from snadnet.cli.app import app


@pytest.fixture(scope="module")
def service(tiny_network):
    with running_service("--weights", str(tiny_network), "--workers", "1", "--max-file-size", "2") as running:
        yield running


@pytest.fixture(scope="module")
def photo(astronaut) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(astronaut).save(buffer, "PNG")
    return buffer.getvalue()


def place(address: str) -> tuple[str, int]:
    parts = urllib.parse.urlsplit(address)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def test_listens_on_loopback_and_answers(service, photo):
    address, _ = service
    assert place(address)[0] == "127.0.0.1"
    request = urllib.request.Request(f"{address}restore?as=json", data=photo, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert b"1 face" in answer.read()
    with urllib.request.urlopen(address, timeout=30) as answer:
        assert b"estimate, not evidence" in answer.read()


def test_a_client_that_sends_too_much_at_once_reads_why_it_is_refused(service):
    address, _ = service
    with pytest.raises(urllib.error.HTTPError) as refused:  # and no broken pipe; urllib asks for no second request
        urllib.request.urlopen(urllib.request.Request(f"{address}restore", data=bytes(50_000_000)), timeout=100)
    assert refused.value.code == 413
    assert b"too_large" in refused.value.read()


def test_a_client_that_hangs_up_leaves_the_service_well(service, photo):
    address, _ = service
    for _ in range(5):
        with socket.create_connection(place(address)) as connection:
            head = f"POST /restore HTTP/1.1\r\nHost: x\r\nContent-Length: {len(photo)}\r\n\r\n".encode()
            connection.sendall(head + photo[: len(photo) // 2])
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{address}ready", timeout=10) as answer:
            if answer.status == 200:
                return
    raise AssertionError("not ready")


def test_clients_that_never_finish_their_head_hold_up_nobody(service):
    address, _ = service
    slow = [socket.create_connection(place(address)) for _ in range(40)]
    try:
        for connection in slow:
            connection.sendall(b"POST /restore HTTP/1.1\r\nX-Slow: ")
        with urllib.request.urlopen(f"{address}health", timeout=10) as answer:
            assert answer.status == 200
    finally:
        for connection in slow:
            connection.close()


def test_a_head_without_end_is_cut_off(service):
    address, _ = service
    with socket.create_connection(place(address), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + b"X: " + b"a" * 100_000)
        connection.sendall(b"\r\n\r\n")
        assert b" 400 " in connection.recv(200)


def test_sigterm_finishes_what_runs_and_ends_well(tiny_network, photo):
    with running_service("--weights", str(tiny_network), "--workers", "1") as (address, process):
        answers = []

        def send():
            connection = http.client.HTTPConnection(*place(address), timeout=60)
            connection.request("POST", "/restore", body=photo)
            answers.append(connection.getresponse().status)

        threads = [threading.Thread(target=send) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join(60)
        assert process.wait(timeout=60) == 0
    assert answers
    assert set(answers) <= {200, 503}
    assert 200 in answers


def test_another_address_is_warned_of(tiny_network):
    with running_service("--weights", str(tiny_network), "--host", "0.0.0.0") as (_, process):
        assert process.poll() is None
        process.terminate()
    with (
        pytest.raises(AssertionError, match="no login"),
        running_service("--host", "0.0.0.0", "--weights", "absent.onnx"),
    ):
        pass


def test_a_taken_port_and_a_missing_file_are_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = CliRunner().invoke(app, ["serve", "--port", port])
        assert "cannot be listened on" in str(done.exception)
    with (
        pytest.raises(AssertionError, match=r"absent\.onnx: no such weights file"),
        running_service("--weights", "absent.onnx"),
    ):
        pass


def test_help_names_what_it_does():
    done = CliRunner().invoke(app, ["serve", "--help"])
    assert "estimate, not evidence" in " ".join(done.output.replace("│", " ").split())
    assert done.exit_code == 0


def test_it_needs_its_extra_and_says_so(monkeypatch):
    monkeypatch.setattr("snadnet.cli.serve.find_spec", lambda _name: None)
    done = CliRunner().invoke(app, ["serve"])
    assert "snadnet[server]" in str(done.exception)


def test_nothing_of_the_service_is_loaded_for_other_verbs():
    code = "import sys, snadnet.cli.app; assert not {'starlette', 'uvicorn'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
