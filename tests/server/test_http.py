"""The HTTP interface: the command's bytes and words, errors as JSON, limits before work."""

import io
import json
import re
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("starlette", reason="needs the extra: pip install 'snadnet[server]'")

from starlette.testclient import TestClient

from snadnet.deblurrer import Deblurrer
from snadnet.photo import Limits, encode_photo, read_photo
from snadnet.server import Networks, ServerSettings, create_app


class OneNetwork(Networks):
    """Every name is the tiny network, which brightens."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.deblurrer = Deblurrer(weights=path)
        self.asked: list[str] = []

    def get(self, name: str) -> Deblurrer:
        self.asked.append(name)
        return super().get(name) if name not in ("", "fidelity", "natural") else self.deblurrer


@pytest.fixture
def networks(tiny_network):
    return OneNetwork(tiny_network)


@pytest.fixture
def client(networks):
    settings = ServerSettings(limits=Limits(max_file_bytes=2_000_000, max_pixels=1_000_000), workers=2, queue=2)
    with TestClient(create_app(settings, networks=networks), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def shaky(astronaut, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "shaky.png"
    Image.fromarray(astronaut).save(path)
    return path


def image_of(answer) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(answer.content)))


@pytest.mark.parametrize("form", [False, True])
def test_restores_as_the_class_does(client, networks, shaky, form):
    data = shaky.read_bytes()
    answer = (
        client.post("/restore", files={"photo": ("s.png", data)}) if form else client.post("/restore", content=data)
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    expected = networks.deblurrer.restore(read_photo(shaky)).photo
    assert answer.content == encode_photo(expected, "PNG")
    assert not np.array_equal(image_of(answer), np.asarray(Image.open(shaky)))


def test_strength_zero_is_the_photo(client, shaky):
    answer = client.post("/restore?strength=0", content=shaky.read_bytes())
    np.testing.assert_array_equal(image_of(answer), np.asarray(Image.open(shaky)))


def test_says_in_json_what_was_done(client, shaky):
    answer = client.post("/restore?as=json", content=shaky.read_bytes()).json()
    assert answer["summary"].startswith("1 face")
    assert (answer["width"], answer["height"]) == (512, 512)
    (face,) = answer["faces"]
    x, y, width, height = face["box"]
    assert x < 224 < x + width
    assert y < 119 < y + height
    assert client.post("/restore", content=shaky.read_bytes(), headers={"Accept": "application/json"}).json() == answer


def test_metadata_is_stripped_when_asked(client, astronaut):
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[270] = "at home"
    Image.fromarray(astronaut).save(buffer, "JPEG", exif=exif)
    kept = client.post("/restore", content=buffer.getvalue())
    stripped = client.post("/restore?strip_metadata=true", content=buffer.getvalue())
    assert b"at home" in kept.content
    assert b"at home" not in stripped.content


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("strength=2", "strength"),
        ("strength=nan", "strength"),
        ("strength=much", "strength"),
        ("face=0", "face"),
        ("face=somebody", "face"),
        ("box=1,2,3", "box"),
        ("aligned=perhaps", "aligned"),
        ("weights=../../etc/passwd", "weights"),
        ("url=http://example.org/a.jpg", "url"),
        ("as=gif", "as"),
    ],
)
def test_a_wrong_option_is_named(client, shaky, query, word):
    answer = client.post(f"/restore?{query}", content=shaky.read_bytes())
    assert answer.status_code == 400
    assert word in answer.json()["message"]
    assert "\n" not in answer.json()["message"]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "bad_request"),
        (b"not a photo", 422, "bad_photo"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), 422, "bad_photo"),
        (b"x" * 2_000_001, 413, "too_large"),
    ],
)
def test_what_is_no_photo_is_answered_in_one_line(client, content, status, code):
    answer = client.post("/restore", content=content)
    assert answer.status_code == status
    assert answer.json()["error"] == code
    assert "\n" not in answer.json()["message"]
    assert "Traceback" not in answer.text


def test_pixels_are_counted_before_they_are_decoded(client):
    buffer = io.BytesIO()
    Image.new("RGB", (1001, 1000)).save(buffer, "PNG")
    answer = client.post("/restore", content=buffer.getvalue())
    assert answer.status_code == 422
    assert "1001 x 1000" in answer.json()["message"]


def test_a_body_without_length_is_cut_off_at_the_limit(client):
    sent = []

    def chunks():
        for _ in range(1000):
            sent.append(1)
            yield b"x" * 100_000

    assert client.post("/restore", content=chunks()).status_code == 413


def test_a_form_without_a_file_or_with_two_is_refused(client, shaky):
    data = shaky.read_bytes()
    assert client.post("/restore", files=[("a", ("", b""))]).status_code == 400
    two = client.post("/restore", files=[("a", ("a.png", data)), ("b", ("b.png", data))])
    assert two.status_code == 400
    broken = client.post("/restore", content=b"--x\r\n", headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert broken.status_code == 400


def test_no_answer_tells_a_path(client, shaky):
    for content in (b"not a photo", shaky.read_bytes()[:3000]):
        text = client.post("/restore", content=content).text
        assert not re.search(r"/(root|usr|work|home|tmp)/", text)


def test_health_ready_and_the_interface(client):
    assert client.get("/health").json()["status"] == "ok"
    assert client.get("/ready").status_code == 200
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {"/restore", "/health", "/ready"}
    json.dumps(document)
    assert "curl" in client.get("/docs").text
    assert client.get("/nothing").json()["error"] == "not_found"
    assert client.get("/restore").status_code == 405
    assert client.get("/restore").json()["error"] == "method_not_allowed"


def test_a_full_queue_refuses_with_retry_after(client, networks, shaky, monkeypatch):
    hold, begun = threading.Event(), threading.Semaphore(0)

    def slow(*_args, **_options):
        begun.release()
        hold.wait(20)
        raise ConnectionError

    monkeypatch.setattr(networks.deblurrer, "restore", slow)
    answers: list[int] = []

    def send():
        answers.append(client.post("/restore", content=shaky.read_bytes()).status_code)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        assert begun.acquire(timeout=20)
    service = client.app.state.service
    deadline = time.monotonic() + 20
    while not service.queue.is_full and time.monotonic() < deadline:
        time.sleep(0.01)
    refused = client.post("/restore", content=shaky.read_bytes())
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0
    assert client.get("/ready").status_code == 503
    assert client.get("/health").status_code == 200
    hold.set()
    for thread in threads:
        thread.join(20)
    assert answers == [500] * 4
    deadline = time.monotonic() + 5
    while client.get("/ready").status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert client.get("/ready").status_code == 200


def test_a_photo_that_takes_too_long_is_given_up(networks, shaky, monkeypatch):
    stopped = threading.Event()

    def slow(*_args, **_options):
        time.sleep(0.4)
        stopped.set()

    monkeypatch.setattr(networks.deblurrer, "restore", slow)
    with TestClient(create_app(ServerSettings(request_seconds=0.1, workers=1), networks=networks)) as client:
        answer = client.post("/restore", content=shaky.read_bytes())
    assert answer.status_code == 504
    assert stopped.is_set(), "closing waits for what runs"


def test_every_answer_has_the_policy_and_nothing_is_cached(client):
    for path in ("/", "/health", "/static/page.js", "/nothing"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


def test_the_page_names_no_other_host(client):
    for path in ("/", "/static/page.js", "/static/page.css", "/static/img-comparison-slider.js"):
        for host in re.findall(r"https?://([^/\"'`) ]+)", client.get(path).text):
            assert host == "www.w3.org", path  # the name of SVG, which is not fetched


def test_another_sites_page_is_refused(client, shaky):
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = client.post("/restore", content=shaky.read_bytes(), headers=headers)
        assert answer.status_code == 403
    assert client.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200
    assert client.get("/health", headers={"Origin": "http://testserver"}).status_code == 200


def test_uploads_are_never_written_or_logged(client, shaky, caplog, monkeypatch):
    def refuse(*_args, **_options):
        raise AssertionError("a temporary file")

    monkeypatch.setattr("tempfile.SpooledTemporaryFile.rollover", refuse)
    with caplog.at_level("INFO", logger="snadnet.server"):
        data = shaky.read_bytes()
        assert client.post("/restore", files={"photo": ("my secret name.png", data)}).status_code == 200
        client.post("/photos?name=my%20secret%20name.png", content=data)
    assert "/restore 200" in caplog.text
    assert "secret" not in caplog.text


def test_the_operator_s_choices_hold_for_every_network(shaky):
    chosen = {"max_crop": 256, "effort": 2, "light": "linear"}
    networks = Networks(device="cpu", default="snadnet-tiny", **chosen)
    expected = Deblurrer(weights="snadnet-tiny", device="cpu", **chosen).restore(shaky).photo.pixels
    with TestClient(create_app(ServerSettings(workers=1), networks=networks)) as client:
        answer = client.post("/restore", content=shaky.read_bytes())
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB")), expected)
    other = Deblurrer(weights="snadnet-tiny", device="cpu", max_crop=256).restore(shaky).photo.pixels
    assert not np.array_equal(expected, other)
