"""The worker: a process of the cluster that has one deblurrer, and does the photos that are sent to it."""

import os
import pickle
from typing import Any, Final

import cv2
from ray import cloudpickle

from snadnet.batch.options import DeblurOptions
from snadnet.batch.storage import Storage
from snadnet.batch.work import deblur_photo
from snadnet.concurrency import StoppedError, StopSignal
from snadnet.deblurrer import Deblurrer
from snadnet.errors import SnadnetError
from snadnet.photo import printable

NUMBER: Final = "number"
"""The column with a photo's place among all of a run."""

JOB: Final = "job"
"""The column with the pickled job."""

RECORD: Final = "record"
"""The column with the pickled record, or b"" of a photo that was not begun."""

STOPPED: Final = "stopped"
"""The column with what keeps a worker from going on, or ""."""

FATAL: Final = "fatal"
"""The column with what keeps every worker from beginning, or ""."""


class Worker:
    """Does one photo a call, and never raises.

    Args:
        deblurrer: The pickled deblurrer; it opens its network here.
        options: How each photo is deblurred.
        storage: Where photos are read and results written.
        threads: How many threads OpenCV has.
        folder: Where relative paths begin; None if there are none.
    """

    def __init__(
        self, deblurrer: bytes, options: DeblurOptions, storage: Storage, threads: int, folder: str | None
    ) -> None:
        cv2.setNumThreads(threads)
        self._options = options
        self._storage = storage
        self._stop = StopSignal()
        self._fatal = ""
        try:
            if folder is not None:
                os.chdir(folder)
            self._deblurrer: Deblurrer = cloudpickle.loads(deblurrer)
        except SnadnetError as error:
            self._fatal = str(error)
        except OSError as error:
            self._fatal = (
                f"{error.filename}: a worker cannot reach it ({error.strerror}); give paths that all machines have"
            )
        except Exception as error:  # noqa: BLE001 - it would only start the process again, without end
            what = printable(f"{type(error).__name__}: {error}".partition("\n")[0])
            self._fatal = f"a worker cannot begin ({what}); install the same on all machines of the cluster"

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Do the photo of a row, and return the row of its record."""
        record = b""
        if not self._fatal:
            try:
                job = pickle.loads(row[JOB])
                record = pickle.dumps(deblur_photo(job, self._deblurrer, self._options, self._stop, self._storage))
            except StoppedError:
                pass
        return {NUMBER: row[NUMBER], RECORD: record, STOPPED: self._stop.reason or "", FATAL: self._fatal}
