"""Receiving a photo: raw bytes or a form, in memory only, no more than the limit, and not for ever."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from snadnet.server.errors import BusyError, HungUpError, LengthError, RequestError, TooLargeError

_FORM_OVERHEAD = 100_000
"""Bytes that a form may have beside its file."""


class BodyMemory:
    """Bounds the memory that bodies take together while they arrive. Not for several threads at a time.

    Args:
        most: Bytes.
    """

    def __init__(self, most: int) -> None:
        self._left = most

    @contextmanager
    def share(self) -> Iterator[Callable[[int], None]]:
        """Yield what takes bytes, and raises `BusyError` where too few are left; all are given back at the end."""
        taken = 0

        def take(count: int) -> None:
            nonlocal taken
            if count > self._left:
                raise BusyError
            self._left -= count
            taken += count

        try:
            yield take
        finally:
            self._left += taken


async def read_photo_body(
    request: Request, *, max_bytes: int, seconds: float, take: Callable[[int], None]
) -> tuple[bytes, str]:
    """Return the bytes of the photo that a request holds, and the name that its file has, or "the photo".

    Args:
        request: With a photo as its body, or a form (``multipart/form-data``) with one file.
        max_bytes: The largest photo.
        seconds: Time limit for all of it.
        take: Called with the number of bytes of each piece that arrives.

    Raises:
        BusyError: If ``take`` refuses.
        TooLargeError: If it is larger; asked of the head first, and counted as the bytes arrive.
        LengthError: If it took too long.
        RequestError: If there is no photo in it, or the form is damaged.
        HungUpError: If the client is gone.
    """
    is_form = request.headers.get("content-type", "").partition(";")[0].strip().lower() == "multipart/form-data"
    most = max_bytes + (_FORM_OVERHEAD if is_form else 0)
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        await drain(request, seconds)
        raise _too_large(max_bytes)
    try:
        async with asyncio.timeout(seconds):
            stream = _limited(request.stream(), most, max_bytes, take)
            if is_form:
                return await _file_of_form(request, stream, max_bytes)
            data = b"".join([chunk async for chunk in stream])
    except TimeoutError:
        raise LengthError(f"the photo did not arrive within {seconds:g} seconds; send it again") from None
    except ClientDisconnect:
        raise HungUpError from None
    if not data:
        raise RequestError("there is no photo in the request; send its bytes as the body, or a form with one file")
    return data, "the photo"


async def drain(request: Request, seconds: float) -> None:
    """Let a refused body arrive and keep none of it, so that its client comes to read the refusal.

    A client that still sends when the connection is closed sees a broken connection and no answer. One that waits to be
    told to go on (``Expect: 100-continue``) is not told.
    """
    if "expect" in request.headers:
        return
    with suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(seconds):
            async for _ in request.stream():
                pass


async def _limited(
    stream: AsyncIterator[bytes], most: int, max_bytes: int, take: Callable[[int], None]
) -> AsyncIterator[bytes]:
    received = 0
    async for chunk in stream:
        received += len(chunk)
        try:
            if received > most:
                raise _too_large(max_bytes)
            take(len(chunk))
        except RequestError:
            async for _ in stream:  # as `drain` does
                pass
            raise
        yield chunk


async def _file_of_form(request: Request, stream: AsyncIterator[bytes], max_bytes: int) -> tuple[bytes, str]:
    parser = MultiPartParser(request.headers, _as_generator(stream), max_files=1, max_fields=20)
    # Photos are never written to disk, which the parser would do with what is larger than this.
    parser.spool_max_size = max_bytes + _FORM_OVERHEAD
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError, UnicodeDecodeError):
        raise RequestError(
            "the form is damaged or has more than one file; send one file as multipart/form-data"
        ) from None
    files = [value for value in form.values() if isinstance(value, UploadFile)]
    if not files:
        raise RequestError("the form holds no file; send the photo as a file field")
    data = await files[0].read()
    if len(data) > max_bytes:
        raise _too_large(max_bytes)
    return data, (files[0].filename or "the photo").replace("\\", "/").rpartition("/")[2][:200]


async def _as_generator(stream: AsyncIterator[bytes]):  # type: ignore[no-untyped-def]  # noqa: ANN202
    async for chunk in stream:
        yield chunk


def _too_large(max_bytes: int) -> TooLargeError:
    return TooLargeError(f"the photo is larger than the limit of {max_bytes / 1e6:g} MB; send a smaller one")
