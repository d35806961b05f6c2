"""Errors as the service tells them: a status, a short machine-readable code, and one line with a remedy."""

from starlette.responses import JSONResponse

from snadnet.errors import ConfigError, DataError, ModelError, PhotoError, SnadnetError, WeightsError


class RequestError(SnadnetError):
    """A request that cannot be answered; its line goes to the client.

    Attributes:
        status: HTTP status.
        code: The kind of error in one word, for programs.
        headers: Further headers of the answer.
    """

    status = 400
    code = "bad_request"
    headers: dict[str, str] = {}  # noqa: RUF012 (never changed)


class TooLargeError(RequestError):
    """More bytes than the limit."""

    status, code = 413, "too_large"


class LengthError(RequestError):
    """A body that took too long to arrive."""

    status, code = 408, "too_slow"


class NotFoundError(RequestError):
    """A photo of the page that is not kept any more, or never was."""

    status, code = 404, "not_found"


class BusyError(RequestError):
    """As many photos wait as may."""

    status, code = 503, "busy"
    headers = {"Retry-After": "5"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__("as many photos are waiting as this service takes; try again in a few seconds")


class TimedOutError(RequestError):
    """The photo took longer than the time limit."""

    status, code = 504, "timed_out"

    def __init__(self) -> None:
        super().__init__("the photo took longer than this service allows; send a smaller one, or try again later")


class HungUpError(Exception):
    """The client is gone; there is nobody to answer."""


_STATUS = {PhotoError: (422, "bad_photo"), ConfigError: (400, "bad_option"), DataError: (422, "bad_photo")}


def error_response(error: Exception) -> JSONResponse:
    """The answer to a request that failed: ``{"error": code, "message": one line}``, without a path or a traceback."""
    headers: dict[str, str] = {}
    if isinstance(error, RequestError):
        status, code, headers = error.status, error.code, error.headers
        message = str(error)
    elif isinstance(error, WeightsError | ModelError):
        status, code, message = (
            500,
            "no_network",
            "the service's network cannot be run; its operator finds why in the log",
        )
    elif isinstance(error, SnadnetError):
        status, code = next((entry for kind, entry in _STATUS.items() if isinstance(error, kind)), (400, "bad_request"))
        message = str(error)
    elif isinstance(error, MemoryError):
        status, code, message = 503, "no_memory", "the photo needs more memory than there is; send a smaller one"
    else:
        status, code, message = (
            500,
            "internal",
            "an unexpected error; please report it with the photo, if it may be shared",
        )
    return JSONResponse({"error": code, "message": message}, status_code=status, headers=headers)
