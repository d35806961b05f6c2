"""Draw the screenshots of the page in docs/figures, by Debian's chromium: ``python tools/page_screenshots.py``."""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "docs" / "figures"
PORTRAIT = ROOT / "examples" / "portraits" / "astronaut.jpg"
MIDDLE_OF_FACE = 44  # where the slider stands, in percent of the width
SECONDS = 300


def main() -> None:
    """Shake a portrait, drop it on the page, and keep what a wide and a narrow window show."""
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "shaky.jpg"
        blur = [str(PORTRAIT), "-o", str(photo), "--kernel", "trajectory", "--size", "21", "--seed", "3"]
        subprocess.run([sys.executable, "-m", "snadnet", "blur", *blur], check=True)
        service = subprocess.Popen(
            [sys.executable, "-m", "snadnet", "serve", "--port", "0"], stderr=subprocess.PIPE, text=True
        )
        try:
            assert service.stderr is not None
            address = next(line for line in service.stderr if "http://" in line).split()[-1]
            for name, width, height, dark in (("page", 1100, 980, False), ("page-phone", 400, 1200, True)):
                _shoot(address, photo, FIGURES / f"{name}.jpg", (width, height), dark=dark)
        finally:
            service.terminate()
            service.wait(timeout=SECONDS)


def _shoot(address: str, photo: Path, output: Path, size: tuple[int, int], *, dark: bool) -> None:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--no-first-run",
    ):
        options.add_argument(argument)
    browser = webdriver.Chrome(
        options=options, service=webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    )
    try:
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        browser.get(address)
        browser.find_element(By.ID, "files").send_keys(str(photo))
        loaded = "const image = document.querySelector('.after'); return image !== null && image.naturalWidth > 0"
        WebDriverWait(browser, SECONDS).until(lambda driver: driver.execute_script(loaded))
        browser.execute_script("document.querySelector('.slider').value = arguments[0]", MIDDLE_OF_FACE)
        time.sleep(0.5)
        shot = output.with_suffix(".png")
        browser.save_screenshot(str(shot))
        Image.open(shot).convert("RGB").save(output, quality=88)
        shot.unlink()
    finally:
        browser.quit()


if __name__ == "__main__":
    main()
