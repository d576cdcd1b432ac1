"""Take the screenshots of the report in images/.

    python -m tst.report outputs_root=outputs && python docs/screenshots.py outputs/report.html

Needs Debian's chromium and the dev dependencies. Use records of the planted benchmark alone: no
benchmark text is committed.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

FOLDER = Path(__file__).parent / "images"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SHOTS = {
    "report": (1120, 640, "light", "#record"),
    "report-phone": (390, 844, "light", "#record"),
}
"""Name: width, height, colour scheme, and what stands at the top."""
COLORS = 128


def take(browser: Browser, report: Path, name: str) -> bytes:
    """One screenshot as PNG."""
    width, height, scheme, place = SHOTS[name]
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.goto(report.resolve().as_uri())
    page.wait_for_selector("html[data-ready=yes]")
    page.evaluate("(s) => document.querySelector(s).scrollIntoView()", place)
    shot = page.screenshot()
    page.close()
    return shot


def main() -> None:
    """Write every screenshot, with few colours so that the files stay small."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for name in SHOTS:
            image = Image.open(io.BytesIO(take(browser, Path(sys.argv[1]), name))).convert("RGB")
            path = FOLDER / f"{name}.png"
            image.quantize(COLORS, dither=Image.Dither.NONE).save(path, optimize=True)
            print(path, path.stat().st_size)
        browser.close()


if __name__ == "__main__":
    main()
