"""Photos arrive within limits of time and memory, and give back the memory that they took."""

import asyncio

import pytest

pytest.importorskip("starlette", reason="needs the extra: pip install 'snadnet[server]'")

from starlette.requests import Request

from snadnet.server.bodies import BodyMemory, read_photo_body
from snadnet.server.errors import BusyError, HungUpError, LengthError

END = {"type": "http.request", "body": b"", "more_body": False}


def request_of(*pieces: bytes, then: dict | None = None) -> Request:
    """A request whose body arrives in pieces, and after them a message, or nothing any more."""
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]

    async def receive():
        if messages:
            return messages.pop(0)
        if then is None:
            await asyncio.sleep(3600)
        return then

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


def read(request: Request, memory: BodyMemory, seconds: float = 30.0) -> bytes:
    with memory.share() as take:
        return asyncio.run(read_photo_body(request, max_bytes=100, seconds=seconds, take=take))[0]


def test_memory_is_shared_and_given_back():
    memory = BodyMemory(10)
    with memory.share() as take:
        take(6)
        with pytest.raises(BusyError):
            read(request_of(b"12345", then=END), memory)
        assert read(request_of(b"1234", then=END), memory) == b"1234"
    assert read(request_of(b"12345", b"67890", then=END), memory) == b"1234567890"


def test_a_body_that_does_not_arrive_in_time_is_given_up():
    memory = BodyMemory(10)
    with pytest.raises(LengthError, match=r"within 0\.05 seconds"):
        read(request_of(b"1234567890"), memory, seconds=0.05)
    assert read(request_of(b"1234567890", then=END), memory) == b"1234567890"


def test_a_client_that_goes_is_noticed():
    with pytest.raises(HungUpError):
        read(request_of(b"123", then={"type": "http.disconnect"}), BodyMemory(10))
