"""The page's own routes: one upload, then choices that need no second one, and downloads of the command's bytes."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("starlette", reason="needs the extra: pip install 'snadnet[server]'")

from starlette.testclient import TestClient

from snadnet.deblurrer import Deblurrer
from snadnet.photo import encode_photo, read_photo
from snadnet.server import Networks, ServerSettings, create_app


class OneNetwork(Networks):
    def __init__(self, path) -> None:
        super().__init__()
        self.deblurrer = Deblurrer(weights=path)

    def get(self, _name: str) -> Deblurrer:
        return self.deblurrer


@pytest.fixture
def networks(tiny_network):
    return OneNetwork(tiny_network)


@pytest.fixture
def client(networks):
    with TestClient(create_app(ServerSettings(workers=1), networks=networks)) as client:
        yield client


@pytest.fixture(scope="session")
def shaky(astronaut, tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "shaky.jpg"
    exif = Image.Exif()
    exif[270] = "at home"
    Image.fromarray(astronaut).save(path, quality=95, exif=exif)
    return path


@pytest.fixture
def kept(client, shaky):
    answer = client.post("/photos?name=holiday%2Fshaky.jpg", content=shaky.read_bytes())
    assert answer.status_code == 200
    return answer.json()


def result_of(client, kept, **choice) -> dict:
    answer = client.post(f"/photos/{kept['photo']}/results", json=choice)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_faces_are_found_once_and_the_original_is_shown(client, kept, astronaut):
    assert (kept["width"], kept["height"]) == (512, 512)
    assert [face["number"] for face in kept["faces"]] == [1]
    shown = Image.open(io.BytesIO(client.get(f"/photos/{kept['photo']}/original").content))
    assert shown.size == (512, 512)
    assert np.abs(np.asarray(shown).astype(float) - astronaut).mean() < 3


@pytest.mark.parametrize("strength", [0.0, 0.35, 1.0])
@pytest.mark.parametrize("metadata", ["keep", "strip"])
def test_a_download_has_the_commands_bytes_at_any_strength(client, networks, kept, shaky, strength, metadata):  # noqa: PLR0917 (fixtures)
    result = result_of(client, kept)
    url = f"/photos/{kept['photo']}/results/{result['result']}/file?strength={strength}&metadata={metadata}"
    answer = client.get(url)
    photo = networks.deblurrer.restore(read_photo(shaky), strength=strength).photo
    assert answer.content == encode_photo(photo.without_metadata() if metadata == "strip" else photo, "JPEG")
    assert "shaky_deblurred.jpg" in answer.headers["content-disposition"]
    assert (b"at home" in answer.content) == (metadata == "keep")


def test_another_strength_needs_no_network(client, networks, kept, monkeypatch):
    result = result_of(client, kept)

    def refuse(*_args, **_options):
        raise AssertionError("the network ran again")

    monkeypatch.setattr(networks.deblurrer, "restore_faces", refuse)
    monkeypatch.setattr(networks.deblurrer, "find_faces", refuse)
    for strength in (0.2, 0.9):
        url = f"/photos/{kept['photo']}/results/{result['result']}?strength={strength}"
        assert client.get(url).status_code == 200
    assert result_of(client, kept) == result


def test_the_page_uses_what_the_service_was_started_with(tiny_network, kept, shaky):
    assert kept["weights"] == "fidelity"
    networks = Networks(default=str(tiny_network))
    with TestClient(create_app(ServerSettings(workers=1), networks=networks)) as client:
        added = client.post("/photos?name=shaky.jpg", content=shaky.read_bytes())
        assert added.json()["weights"] == ""
        assert str(tiny_network) not in added.text
        url = f"/photos/{added.json()['photo']}/results"
        result = result_of(client, added.json(), weights="")["result"]
        shown = np.asarray(Image.open(io.BytesIO(client.get(f"{url}/{result}/file").content)), float)
    # The tiny network brightens.
    assert (shown - np.asarray(Image.open(shaky), float)).max() > 10


def test_what_was_noted_about_a_file_is_told(client, astronaut):
    buffer = io.BytesIO()
    pages = [Image.fromarray(astronaut), Image.fromarray(astronaut[::-1])]
    pages[0].save(buffer, "WEBP", save_all=True, append_images=pages[1:])
    (note,) = client.post("/photos?name=a.webp", content=buffer.getvalue()).json()["notes"]
    assert "first" in note


def test_a_face_can_be_left_out(client, kept, shaky):
    result = result_of(client, kept, faces=[])
    assert result["faces"][0]["reason"] == "left out"
    url = f"/photos/{kept['photo']}/results/{result['result']}"
    before = client.get(f"/photos/{kept['photo']}/original").content
    assert client.get(url).content == before


def test_a_box_is_restored_where_no_face_was_found(client, kept):
    result = result_of(client, kept, faces=[], boxes=[[300, 300, 80, 90]])
    drawn = [face for face in result["faces"] if face["number"] == 0]
    assert [face["name"] for face in drawn] == ["A"]
    assert drawn[0]["reason"] is None


@pytest.mark.parametrize(
    "choice",
    [
        {"faces": [7]},
        {"faces": "all"},
        {"faces": [True]},
        {"boxes": [[1, 2, 3]]},
        {"boxes": [["a", 2, 3, 4]]},
        {"boxes": [[0, 0, 30, 30]] * 17},
        {"boxes": [[0, 0, 1, 1]]},
        {"boxes": [[5000, 5000, 50, 50]]},
        {"weights": "natural", "boxes": 3},
    ],
)
def test_an_impossible_choice_is_answered_in_one_line(client, kept, choice):
    answer = client.post(f"/photos/{kept['photo']}/results", json=choice)
    assert answer.status_code == 400, answer.text
    assert "\n" not in answer.json()["message"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"[" * 5000, b" " * 30_000])
def test_a_damaged_choice_is_answered_in_one_line(client, kept, body):
    assert client.post(f"/photos/{kept['photo']}/results", content=body).status_code == 400


def test_all_results_come_in_one_archive(client, kept, shaky):
    other = client.post("/photos?name=shaky.jpg", content=shaky.read_bytes()).json()
    items = "&".join(f"item={one['photo']}:{result_of(client, one)['result']}:1" for one in (kept, other))
    answer = client.get(f"/photos.zip?{items}")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["shaky_deblurred.jpg", "shaky_deblurred_2.jpg"]
        assert archive.testzip() is None
    assert client.get("/photos.zip").status_code == 400


def test_a_photo_is_gone_when_it_is_removed(client, kept):
    assert client.delete(f"/photos/{kept['photo']}").status_code == 204
    answer = client.get(f"/photos/{kept['photo']}/original")
    assert answer.status_code == 404
    assert "choose it again" in answer.json()["message"]


def test_a_transparent_photo_is_shown_as_png(client, astronaut):
    buffer = io.BytesIO()
    Image.fromarray(np.dstack([astronaut, np.full((512, 512), 128, np.uint8)])).save(buffer, "PNG")
    kept = client.post("/photos?name=a.png", content=buffer.getvalue()).json()
    assert client.get(f"/photos/{kept['photo']}/original").headers["content-type"] == "image/png"
