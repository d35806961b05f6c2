"""Load on ``snadnet serve``: the time it adds to the class's own, memory, hostile uploads, slow clients.

    python benchmarks/service_load.py                  # about 20 minutes on two idle cores
    python benchmarks/service_load.py --requests 20    # a trial of about 3 minutes

A photo of one face is sent to a service of one worker, one request after the other and by 16 clients at a time, and by
16 clients to one of two workers. Each answer is compared with the class's own bytes, and its time with the class's own
time, reading and writing included, which is measured in turns with the first of the three. Then come the hostile files
of tests/support/hostile_zoo.py, and clients that send a byte a second. It prints Markdown. Leave the machine alone
while it runs.
"""

import argparse
import runpy
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import create_connection, socket
from typing import Any
from urllib.parse import quote, urlsplit

from snadnet import Deblurrer, Limits, encode_photo
from snadnet.environment import resident_memory, run_header
from snadnet.tables import Document, Table

ROOT = Path(__file__).parents[1]
PHOTO = ROOT / "examples" / "portraits" / "astronaut.jpg"
CLIENTS = 16
POINTS = 10  # of the memory curve
OWN_EVERY = 10  # requests for one run of the class
HOSTILE = 200
SLOW_HEADS, SLOW_BODIES, SLOW_SECONDS = 100, 20, 150
BESIDE_SLOW = 20  # requests while slow clients are connected


@dataclass
class Run:
    """What was measured of requests of one kind."""

    name: str
    seconds: list[float] = field(default_factory=list)
    wall: float = 0.0
    memory: list[int] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)

    def row(self, own: float) -> tuple[str, ...]:
        """The cells of the table of times."""
        median = statistics.median(self.seconds)
        last = sorted(self.seconds)[round(0.99 * (len(self.seconds) - 1))]
        faults = ", ".join(f"{count} {kind}" for kind, count in self.faults.items()) or "0"
        added = f"{median / own - 1:+.1%}"
        rate = f"{len(self.seconds) / self.wall:.2f}"
        return (self.name, str(len(self.seconds)), faults, rate, f"{median:.3f} s", f"{last:.3f} s", added)


class Class:
    """The class itself, on the same photo, reading and writing included."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._deblurrer = Deblurrer()
        self.answer = self._restore()
        self.run = Run("`Deblurrer` itself")

    def _restore(self) -> bytes:
        return encode_photo(self._deblurrer.restore(self._data).photo, "JPEG")

    def measure(self) -> None:
        """Restore the photo once more."""
        start = time.perf_counter()
        answer = self._restore()
        self.run.seconds.append(time.perf_counter() - start)
        self.run.wall += self.run.seconds[-1]
        if answer != self.answer:
            self.run.faults["other bytes"] += 1


class Running:
    """A service that runs, and what it wrote to its log."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        assert process.stderr is not None
        self.address = next(line for line in process.stderr if "http://" in line).split()[-1]
        self.log: list[str] = []
        self._reader = threading.Thread(target=self.log.extend, args=(process.stderr,))
        self._reader.start()

    def end(self) -> int:
        """End it by SIGTERM and return its exit code."""
        self.process.terminate()
        code = self.process.wait(timeout=300)
        self._reader.join()
        return code


@contextmanager
def service(workers: int) -> Iterator[Running]:
    """Start a service on a free port."""
    command = [sys.executable, "-m", "snadnet", "serve", "--port", "0", "--workers", str(workers)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        yield Running(process)
    finally:
        process.kill()
        process.wait()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--requests", type=int, default=1000, help="photos sent in each of the three ways (default 1000)"
    )
    requests = parser.parse_args().requests
    header = run_header(["snadnet", "onnxruntime", "starlette", "uvicorn"]).splitlines()
    data = PHOTO.read_bytes()
    own = Class(data)
    endings = []
    with service(1) as running:
        alone = load(running, "1 worker, one after the other", own, requests, clients=1)
        crowd = load(running, f"1 worker, {CLIENTS} at a time", own, requests, clients=CLIENTS)
        hostile = hostile_uploads(running, own)
        slow = slow_clients(running, own)
        endings.append((running.end(), len(running.log)))
    with service(2) as running:
        pair = load(running, f"2 workers, {CLIENTS} at a time", own, requests, clients=CLIENTS)
        endings.append((running.end(), len(running.log)))
    runs = [own.run, alone, crowd, pair]
    median = statistics.median(own.run.seconds)
    columns = ("", "requests", "lost or wrong", "a second", "median", "99th percentile", "median beside the class")
    times = Table("Times", columns, tuple(run.row(median) for run in runs))
    marks = tuple(f"{round(requests * point / POINTS)}" for point in range(POINTS + 1))
    curves = tuple((run.name, *(f"{each / 1e6:.0f}" for each in run.memory)) for run in runs[1:])
    memory = Table("Resident memory in MB after so many requests", ("", *marks), curves)
    ended = ", ".join(f"exit code {code} with {lines} lines in the log" for code, lines in endings)
    photo = f"photo: {PHOTO.name}, {len(data) / 1000:.0f} kB, one face; the services were ended by SIGTERM: {ended}"
    print(Document((*header, photo), (times, memory, hostile, slow)).to_markdown(), end="")


def say(step: str) -> None:
    """Tell who waits which step begins."""
    print(f"{time.strftime('%H:%M:%S')} {step}", file=sys.stderr)


def load(running: Running, name: str, own: Class, requests: int, *, clients: int) -> Run:
    """Send the photo so many times; one client takes turns with the class."""
    say(name)
    run, data = Run(name), PHOTO.read_bytes()
    lock, due = threading.Lock(), [round(requests * point / POINTS) for point in range(POINTS + 1)]
    pid = running.process.pid

    def note() -> None:
        while due and len(run.seconds) >= due[0]:
            due.pop(0)
            run.memory.append(resident_memory(pid) or 0)

    def send(number: int) -> None:
        start = time.perf_counter()
        status, answer = post(running.address, data)
        seconds = time.perf_counter() - start
        with lock:
            run.seconds.append(seconds)
            if status != 200:
                run.faults[f"with status {status}"] += 1
            elif answer != own.answer:
                run.faults["other bytes"] += 1
            note()
        if clients == 1 and number % OWN_EVERY == 0:
            own.measure()

    post(running.address, data)  # the first one opens what stays open
    note()
    start, before = time.perf_counter(), own.run.wall
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(send, range(requests)))
    run.wall = time.perf_counter() - start - (own.run.wall - before)
    return run


def post(address: str, data: bytes, **headers: str) -> tuple[int, bytes]:
    """Send a photo; return the answer's status, 0 for none, and its bytes."""
    request = urllib.request.Request(f"{address}restore", data=data, method="POST", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=180) as answer:
            return int(answer.status), answer.read()
    except urllib.error.HTTPError as error:
        return int(error.code), error.read()
    except OSError as error:
        return 0, str(error).encode()


def hostile_uploads(running: Running, own: Class) -> Table:
    """Send every file of the zoo as a body, then as a form, up to 200 uploads; then the photo once more."""
    say("hostile uploads")
    zoo = runpy.run_path(str(ROOT / "tests" / "support" / "hostile_zoo.py"))
    statuses: Counter[int] = Counter()
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        # The others are nasty by where they are: links, pipes, folders, names of files that are not there.
        files = [each for each in zoo["build_zoo"](Path(folder)) if is_upload(each.path)]
        for number in range(HOSTILE):
            specimen = files[number % len(files)]
            data = specimen.path.read_bytes()
            headers: dict[str, str] = {}
            if number >= len(files):
                data, headers = as_form(data, specimen.path.name)
            status, answer = post(running.address, data, **headers)
            statuses[status] += 1
            right = status in expected_statuses(specimen, is_form=bool(headers))
            if not right or (status != 200 and b"message" not in answer):
                wrong.append(f"{specimen.path.name} {status}")
    status, answer = post(running.address, PHOTO.read_bytes())
    rows = tuple((f"status {status}", str(count)) for status, count in sorted(statuses.items()))
    after = "the right bytes" if (status, answer) == (200, own.answer) else f"WRONG, status {status}"
    notes = (
        f"{HOSTILE} uploads of {len(files)} files, first as bodies, then as forms.",
        f"Not answered as expected: {', '.join(wrong) or 'none'}. The photo after them: {after}.",
    )
    return Table("Hostile uploads", ("answer", "uploads"), rows, notes)


def is_upload(path: Path) -> bool:
    """Whether it is a file that a client could send."""
    try:
        return path.is_file() and not path.is_symlink()
    except (OSError, ValueError):  # a name that no file can have
        return False


def as_form(data: bytes, name: str) -> tuple[bytes, dict[str, str]]:
    """A form with the file, its name escaped as browsers do it."""
    head = f'--edge\r\nContent-Disposition: form-data; name="photo"; filename="{quote(name, errors="replace")}"\r\n\r\n'
    return head.encode() + data + b"\r\n--edge--\r\n", {"Content-Type": "multipart/form-data; boundary=edge"}


def expected_statuses(specimen: Any, *, is_form: bool) -> set[int]:  # noqa: ANN401 (a Specimen of the tests)
    """The statuses that a hostile file may get: a photo is restored, what is none is refused."""
    size = specimen.path.stat().st_size
    if size > Limits().max_file_bytes:
        return {413}
    if size == 0 and not is_form:
        return {400}
    outcomes = specimen.outcome.split("|")
    return ({200} if "photo" in outcomes else set()) | ({422} if outcomes != ["photo"] else set())


def slow_clients(running: Running, own: Class) -> Table:
    """Connect clients that send a byte a second, and the photo beside them."""
    say("slow clients")
    place = urlsplit(running.address)
    heads = [create_connection((place.hostname or "", place.port or 0)) for _ in range(SLOW_HEADS)]
    bodies = [create_connection((place.hostname or "", place.port or 0)) for _ in range(SLOW_BODIES)]
    for connection in heads:
        connection.sendall(b"POST /restore HTTP/1.1\r\nX-Slow: ")
    for connection in bodies:
        connection.sendall(b"POST /restore HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
    ended: dict[socket, tuple[float, str]] = {}
    dripping = threading.Thread(target=drip, args=([*heads, *bodies], ended))
    dripping.start()
    beside = Run("")
    for _ in range(BESIDE_SLOW):
        start = time.perf_counter()
        if post(running.address, PHOTO.read_bytes()) != (200, own.answer):
            beside.faults["lost"] += 1
        beside.seconds.append(time.perf_counter() - start)
    dripping.join()
    rows = tuple(
        (
            name,
            str(len(each)),
            f"{min(seconds):.0f} to {max(seconds):.0f} s" if seconds else "never",
            answers(each, ended),
        )
        for name, each in (("never end their head", heads), ("send a byte of their body a second", bodies))
        for seconds in [[ended[connection][0] for connection in each if connection in ended]]
    )
    median, lost = statistics.median(beside.seconds), beside.faults["lost"]
    note = f"The photo beside them: median {median:.3f} s, {lost} of {BESIDE_SLOW} lost or wrong."
    return Table("Slow clients", ("clients that", "number", "cut off after", "answers"), rows, (note,))


def drip(connections: Sequence[socket], ended: dict[socket, tuple[float, str]]) -> None:
    """Send a byte a second on all connections until each is cut off or answered, and note when."""
    start = time.perf_counter()
    for connection in connections:
        connection.setblocking(False)
    while len(ended) < len(connections) and time.perf_counter() - start < SLOW_SECONDS:
        for connection in connections:
            if connection in ended:
                continue
            try:
                connection.send(b"x")
                answer = connection.recv(1000)
            except BlockingIOError:
                continue
            except OSError:
                answer = b""
            ended[connection] = (time.perf_counter() - start, answer[9:12].decode() or "none")
        time.sleep(1)
    for connection in connections:
        connection.close()


def answers(connections: Sequence[socket], ended: dict[socket, tuple[float, str]]) -> str:
    """The statuses of answers, with their number."""
    counted = Counter(ended[connection][1] for connection in connections if connection in ended)
    return ", ".join(f"{count} {status}" for status, count in counted.items())


if __name__ == "__main__":
    main()
