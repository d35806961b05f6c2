"""The page as a person uses it, in a browser; skipped where Debian's chromium and chromium-driver are missing."""

# ruff: noqa: E402 (what the extra brings comes after the question whether it is there)

import base64
import io
import shutil
import time
import urllib.request
import zipfile
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

SECONDS = 300  # for a machine that has other work; nothing takes so long


@pytest.fixture(scope="module")
def address():
    with running_service("--timeout", str(SECONDS)) as (address, _):
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


def downloaded(folder: Path, name: str) -> bytes:
    """The bytes of a file that the browser saves, once they are all there."""
    deadline = time.monotonic() + SECONDS
    while not (folder / name).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return (folder / name).read_bytes()


def test_a_photo_is_dropped_compared_and_downloaded_as_the_command_writes_it(page, photos, downloads, tmp_path):
    drop(page, photos["astronaut"])
    assert finished(page) == ["1 face: 1 restored"]
    wait(page, lambda: natural_size(page, ".after") == [512, 512])
    wait(page, lambda: natural_size(page, ".before") == [512, 512])
    slider = elements(page, "img-comparison-slider")[0]
    before = page.execute_script("return arguments[0].value", slider)
    page.execute_script("arguments[0].focus()", slider)
    ActionChains(page).key_down(Keys.ARROW_RIGHT).pause(0.5).key_up(Keys.ARROW_RIGHT).perform()
    wait(page, lambda: page.execute_script("return arguments[0].value", slider) != before)
    elements(page, ".download")[0].click()
    by_page = downloaded(downloads, "astronaut_deblurred.jpg")
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
    handle = elements(page, ".handles button")[0]
    assert handle.text == "1"
    handle.send_keys(Keys.ENTER)
    wait(page, lambda: "left out" in elements(page, ".faces")[0].text)
    # The number that was pressed is the one that is pressed next.
    assert page.switch_to.active_element.get_attribute("aria-pressed") == "false"
    page.switch_to.active_element.send_keys(Keys.SPACE)
    wait(page, lambda: "Face 1: deblurred; the result" in elements(page, ".faces")[0].text)
    assert "the blur" in elements(page, ".faces")[0].text
    ActionChains(page).click(elements(page, ".handles button")[0]).perform()
    wait(page, lambda: "left out" in elements(page, ".faces")[0].text)


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
    assert "strength=0" in elements(page, ".download")[0].get_attribute("href")
    assert elements(page, ".strength-value")[0].text == "0 %"
    wait(page, lambda: elements(page, ".after")[0].get_attribute("src").endswith("strength=0"))
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
    with zipfile.ZipFile(io.BytesIO(downloaded(downloads, "deblurred.zip"))) as archive:
        assert archive.namelist() == ["astronaut_deblurred.jpg", "mirrored_deblurred.png"]
    elements(page, ".remove")[0].click()
    assert len(elements(page, ".photo")) == 2


def hand_over(page, event: str, path: Path) -> None:
    """Let the page have a file as a person's drop or paste brings it."""
    page.execute_script(
        """
        const [event, name, content] = arguments;
        const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
        const given = new DataTransfer();
        given.items.add(new File([bytes], name));
        document.body.dispatchEvent(
          event === "paste"
            ? new ClipboardEvent("paste", { clipboardData: given, bubbles: true })
            : new DragEvent("drop", { dataTransfer: given, bubbles: true, cancelable: true }),
        );
        """,
        event,
        path.name,
        base64.b64encode(path.read_bytes()).decode(),
    )


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_a_photo_is_taken_by_drop_and_by_paste(page, photos, event):
    hand_over(page, event, photos["astronaut"])
    assert finished(page) == ["1 face: 1 restored"]
    assert elements(page, ".name")[0].text == "astronaut.jpg"


def test_all_is_downloaded_only_where_there_is_something(page, photos):
    assert not elements(page, "#bar")[0].is_displayed()
    drop(page, photos["broken"])
    finished(page)
    assert not elements(page, "#bar")[0].is_displayed()
    elements(page, ".remove")[0].click()
    assert elements(page, ".photo") == []
    drop(page, photos["astronaut"])
    finished(page)
    assert elements(page, "#bar")[0].is_displayed()


def test_a_photo_of_a_phone_is_shown_and_becomes_png(page, astronaut, tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif", reason="needs the extra: pip install 'snadnet[heic]'")
    path = tmp_path / "phone.heic"
    pillow_heif.from_pillow(Image.fromarray(astronaut)).save(path, quality=90)
    drop(page, path)
    assert finished(page) == ["1 face: 1 restored"]
    wait(page, lambda: natural_size(page, ".before") == [512, 512])
    with urllib.request.urlopen(elements(page, ".download")[0].get_attribute("href")) as answer:
        assert "phone_deblurred.png" in answer.headers["Content-Disposition"]
        by_page = answer.read()
    done = CliRunner().invoke(app, ["deblur", str(path), "-o", str(tmp_path / "out.png"), "--strip-metadata"])
    assert done.exit_code == 0, done.output
    assert by_page == (tmp_path / "out.png").read_bytes()


def test_it_fits_a_phone_and_asks_no_other_host(page, photos, address):
    page.set_window_size(360, 740)
    drop(page, photos["astronaut"])
    finished(page)
    wait(page, lambda: natural_size(page, ".after") == [512, 512])
    width = page.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
    assert width[0] <= width[1]
    # A finger hits what is 24 px or more.
    sizes = [button.size for button in elements(page, "button") if button.is_displayed()]
    assert min(min(size["width"], size["height"]) for size in sizes) >= 24
    hosts = page.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert hosts
    assert all(host.startswith(address) for host in hosts)


def test_it_is_dark_where_the_system_is(page):
    seen = {}
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        styles = "const style = getComputedStyle(document.body); return [style.backgroundColor, style.color]"
        seen[scheme] = [sum(map(int, colour[4:-1].split(","))) for colour in page.execute_script(styles)]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert seen["light"][0] > 600
    assert seen["light"][1] < 150
    assert seen["dark"][0] < 150
    assert seen["dark"][1] > 600


def test_the_services_own_network_is_used_and_offered(browser, photos, tiny_network):
    with running_service("--timeout", str(SECONDS), "--weights", str(tiny_network)) as (own, _):
        browser.get(own)
        drop(browser, photos["astronaut"])
        finished(browser)
        radios = [radio for radio in elements(browser, ".weights input") if radio.is_displayed()]
        assert [radio.is_selected() for radio in radios] == [False, False, True]
    browser.get("about:blank")
    browser.get_log("browser")


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
