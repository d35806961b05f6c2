"""Load on ``snadnet serve``: throughput, latency beside the class's own time, memory, hostile and slow clients.

    python benchmarks/service_load.py --requests 1000 --workers 1 --workers 2

A service is started for each number of workers. It is sent portraits, first one at a time, then by 16 clients;
then files that are no photos, and connections that never finish. Run it on an idle machine; it prints the load.
"""

import argparse
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from snadnet import Deblurrer
from snadnet.environment import resident_memory, run_header

PORTRAITS = sorted((Path(__file__).parents[1] / "examples" / "portraits").glob("*.jpg"))
CLIENTS = 16
MEMORY_POINTS = 8


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1000, help="photos one at a time, and again by 16 clients")
    parser.add_argument("--workers", type=int, action="append", help="photos that the service works on at a time")
    options = parser.parse_args()
    print(run_header(["snadnet", "onnxruntime", "starlette", "uvicorn"]))
    photos = [path.read_bytes() for path in PORTRAITS]
    own = _own_time(photos)
    print(f"Deblurrer itself, one photo at a time: median {own:.3f} s, reading and writing included\n")
    for workers in options.workers or [1]:
        print(f"--workers {workers}")
        with _service(workers) as (address, process):
            _measure(address, process, photos, options.requests, own)


def _own_time(photos: Sequence[bytes]) -> float:
    from snadnet.photo import encode_photo  # noqa: PLC0415 (with the measurement)

    deblurrer, times = Deblurrer(), []
    for data in [photos[0], *photos, *photos, *photos]:
        start = time.perf_counter()
        encode_photo(deblurrer.restore(data).photo, "JPEG")
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def _measure(
    address: str, process: "subprocess.Popen[str]", photos: Sequence[bytes], requests: int, own: float
) -> None:
    for name, clients in (("one at a time", 1), (f"{CLIENTS} clients at a time", CLIENTS)):
        seconds, statuses, memory, wall = _load(address, process.pid, photos, requests, clients)
        ordered = sorted(seconds)
        print(
            f"  {name}: {requests / wall:.2f} requests a second; median {statistics.median(ordered):.3f} s "
            f"({statistics.median(ordered) / own - 1:+.0%} over the class), 99th percentile "
            f"{ordered[int(0.99 * (len(ordered) - 1))]:.3f} s; answers {dict(statuses)}"
        )
        print(f"  resident memory along the way, MB: {' '.join(f'{each / 1e6:.0f}' for each in memory)}")
    print(f"  200 uploads that are no photos: {dict(_hostile(address, photos))}")
    print(f"  with {_slow_clients(address):d} slow connections open, /health answered")


def _load(
    address: str, pid: int, photos: Sequence[bytes], requests: int, clients: int
) -> tuple[list[float], Counter[int], list[int], float]:
    memory: list[int] = []
    lock, every = threading.Lock(), max(1, requests // MEMORY_POINTS)
    seconds: list[float] = []
    statuses: Counter[int] = Counter()

    def send(number: int) -> None:
        start = time.perf_counter()
        status = _post(address, photos[number % len(photos)])
        with lock:
            seconds.append(time.perf_counter() - start)
            statuses[status] += 1
            if number % every == 0:
                memory.append(resident_memory(pid) or 0)

    start = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(send, range(requests)))
    return seconds, statuses, memory, time.perf_counter() - start


def _post(address: str, data: bytes) -> int:
    request = urllib.request.Request(f"{address}restore", data=data, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.read()
        return int(error.code)


def _hostile(address: str, photos: Sequence[bytes]) -> Counter[int]:
    """Statuses of cut, flipped and invented files."""
    statuses: Counter[int] = Counter()
    for number in range(200):
        data = photos[number % len(photos)]
        cut = len(data) * (number % 50) // 50
        kinds = (data[:cut], bytes(cut + 1), data[:200] + bytes(range(256)) * (number + 1), b"<html>" + data[:cut])
        statuses[_post(address, kinds[number % len(kinds)])] += 1
    return statuses


def _slow_clients(address: str) -> int:
    """Open connections that never finish their request's head, and ask for /health beside them."""
    import socket  # noqa: PLC0415 (here alone)

    place = urlsplit(address)
    assert place.hostname is not None
    assert place.port is not None
    slow = [socket.create_connection((place.hostname, place.port)) for _ in range(100)]
    for connection in slow:
        connection.sendall(b"POST /restore HTTP/1.1\r\nX-Slow: ")
    with urllib.request.urlopen(f"{address}health", timeout=10) as answer:
        assert answer.status == 200
    for connection in slow:
        connection.close()
    return len(slow)


@contextmanager
def _service(workers: int) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    command = [sys.executable, "-m", "snadnet", "serve", "--port", "0", "--workers", str(workers)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        yield next(line for line in process.stderr if "http://" in line).split()[-1], process
    finally:
        process.terminate()
        process.wait(timeout=60)


if __name__ == "__main__":
    main()
