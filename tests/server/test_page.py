"""The page as a person uses it, in a browser; skipped where Debian's chromium and chromium-driver are missing."""

# ruff: noqa: E402 (what the extra brings comes after the question whether it is there)

import io
import shutil
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from support.service import running_service

pytest.importorskip("starlette", reason="needs the extra: pip install 'snadnet[server]'")
webdriver = pytest.importorskip("selenium.webdriver", reason="needs: pip install selenium (make test-page)")
if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
    pytest.skip("needs Debian's chromium and chromium-driver (make test-page)", allow_module_level=True)

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from snadnet.cli.app import app

SECONDS = 60


@pytest.fixture(scope="module")
def address():
    with running_service() as (address, _):
        yield address


@pytest.fixture(scope="module")
def downloads(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(tmp_path_factory, downloads):
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    profile = tmp_path_factory.mktemp("profile")
    for argument in (
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *("--window-size=1200,1000", f"--user-data-dir={profile}"),
    ):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def photos(astronaut, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("photos")
    exif = Image.Exif()
    exif[270] = "at home"
    Image.fromarray(astronaut).save(folder / "astronaut.jpg", quality=95, exif=exif)
    Image.fromarray(np.ascontiguousarray(astronaut[:, ::-1])).save(folder / "mirrored.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 this is no photo")
    return {path.stem: path for path in folder.iterdir()}


@pytest.fixture
def page(browser, address):
    browser.set_window_size(1200, 1000)
    browser.get(address)
    yield browser
    problems = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    # A photo that cannot be read is answered by status 422, which the browser logs by itself.
    assert [line for line in problems if "422" not in line] == []


def drop(page, *paths: Path) -> None:
    page.find_element(By.ID, "files").send_keys("\n".join(map(str, paths)))


def wait(page, condition):
    return WebDriverWait(page, SECONDS, poll_frequency=0.05).until(lambda _: condition())


def elements(page, selector):
    return page.find_elements(By.CSS_SELECTOR, selector)


def finished(page, count=1):
    """Wait until so many photos are done; their states."""

    def done():
        states = [each.text for each in elements(page, ".photo:not([aria-busy]) .state")]
        return states if len(states) == count and all(text not in ("", "waiting") for text in states) else None

    return wait(page, done)


def natural_size(page, selector):
    return page.execute_script(
        "const image = document.querySelector(arguments[0]); return [image.naturalWidth, image.naturalHeight]", selector
    )


def test_a_photo_is_dropped_compared_and_downloaded_as_the_command_writes_it(page, photos, tmp_path):
    drop(page, photos["astronaut"])
    assert finished(page) == ["1 face: 1 restored"]
    wait(page, lambda: natural_size(page, ".after") == [512, 512])
    wait(page, lambda: natural_size(page, ".before") == [512, 512])
    slider = elements(page, "img-comparison-slider")[0]
    before = page.execute_script("return arguments[0].value", slider)
    page.execute_script("arguments[0].focus()", slider)
    ActionChains(page).key_down(Keys.ARROW_RIGHT).pause(0.5).key_up(Keys.ARROW_RIGHT).perform()
    wait(page, lambda: page.execute_script("return arguments[0].value", slider) != before)
    link = elements(page, ".download")[0].get_attribute("href")
    with urllib.request.urlopen(link) as answer:
        by_page = answer.read()
    done = CliRunner().invoke(
        app, ["deblur", str(photos["astronaut"]), "-o", str(tmp_path / "out.jpg"), "--strip-metadata"]
    )
    assert done.exit_code == 0, done.output
    assert by_page == (tmp_path / "out.jpg").read_bytes()
    elements(page, "#keep-metadata")[0].click()
    with urllib.request.urlopen(elements(page, ".download")[0].get_attribute("href")) as answer:
        assert b"at home" in answer.read()
    assert b"at home" not in by_page


def test_a_face_is_left_out_and_taken_in_again_by_keyboard(page, photos):
    drop(page, photos["astronaut"])
    finished(page)
    # It has no size, and so no text to be seen, before the photo is there.
    wait(page, lambda: elements(page, ".boxes .handle")[0].text == "1")
    handle = elements(page, ".boxes .handle")[0]
    handle.send_keys(Keys.ENTER)
    wait(page, lambda: "left out" in elements(page, ".faces")[0].text)
    wait(page, lambda: elements(page, ".boxes .handle")[0].get_attribute("aria-pressed") == "false")
    ActionChains(page).click(elements(page, ".boxes .handle")[0]).perform()
    wait(page, lambda: "Face 1: deblurred" in elements(page, ".faces")[0].text)


def test_a_missed_face_is_marked_by_mouse_and_by_keyboard(page, photos):
    drop(page, photos["astronaut"])
    finished(page)
    wait(page, lambda: natural_size(page, ".after") == [512, 512])
    elements(page, ".draw")[0].click()
    overlay = elements(page, ".boxes")[0]
    chain = ActionChains(page).move_to_element_with_offset(overlay, 20, 60).click_and_hold()
    chain.move_by_offset(60, 40).move_by_offset(20, 40).release().perform()
    wait(page, lambda: "Face A: deblurred" in elements(page, ".faces")[0].text)
    elements(page, ".draw")[0].click()
    ActionChains(page).send_keys(Keys.ARROW_LEFT, Keys.ARROW_DOWN, Keys.ENTER).perform()
    wait(page, lambda: "Face B: deblurred" in elements(page, ".faces")[0].text)


def test_strength_changes_the_result_at_once(page, photos):
    drop(page, photos["astronaut"])
    finished(page)
    slider = elements(page, ".strength")[0]
    page.execute_script("arguments[0].value = 0; arguments[0].dispatchEvent(new Event('input'))", slider)
    wait(page, lambda: "strength=0" in elements(page, ".download")[0].get_attribute("href"))
    assert elements(page, ".strength-value")[0].text == "0 %"
    with urllib.request.urlopen(elements(page, ".after")[0].get_attribute("src")) as answer:
        after = np.asarray(Image.open(io.BytesIO(answer.read())))
    with urllib.request.urlopen(elements(page, ".before")[0].get_attribute("src")) as answer:
        np.testing.assert_array_equal(after, np.asarray(Image.open(io.BytesIO(answer.read()))))


def test_two_photos_and_a_bad_file_at_once_and_one_archive(page, photos, downloads):
    drop(page, photos["astronaut"], photos["broken"], photos["mirrored"])
    states = finished(page, 3)
    assert [state for state in states if "1 restored" in state] == ["1 face: 1 restored"] * 2
    assert "broken.jpg" in states[1]
    assert len(elements(page, ".state.bad")) == 1
    elements(page, "#download-all")[0].click()
    deadline = time.monotonic() + SECONDS
    while not (downloads / "deblurred.zip").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (downloads / "deblurred.zip").stat().st_size > 10_000
    elements(page, ".remove")[0].click()
    assert len(elements(page, ".photo")) == 2


def test_it_fits_a_phone_and_asks_no_other_host(page, photos, address):
    page.set_window_size(360, 740)
    drop(page, photos["astronaut"])
    finished(page)
    width = page.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
    assert width[0] <= width[1]
    hosts = page.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert hosts
    assert all(host.startswith(address) for host in hosts)


def test_the_policy_stops_what_comes_from_elsewhere(browser, address):
    browser.get(address)
    blocked = browser.execute_async_script(
        """
        const done = arguments[0];
        document.addEventListener("securitypolicyviolation", (event) => done(event.violatedDirective));
        const image = new Image();
        image.src = "http://other.invalid/a.png";
        """
    )
    assert blocked == "img-src"
    browser.get_log("browser")
