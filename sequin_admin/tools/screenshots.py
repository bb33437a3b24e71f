"""Makes the README's screenshots from the demo, in light and in dark: `make screenshots`.

It starts the stack of `make run` in a folder of its own, so that the pictures show the demo alone.
"""

import io
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from sequin_admin.core.env import inherited
from sequin_admin.tools.supervisor import free_port

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "static" / "screenshots"
SIZE = (1280, 800)
# Twelve of them have room in a megabyte.
QUALITY = 72
THEMES = ("light", "dark")
# Each page by its name, and what is pressed there first.
PAGES = {
    "overview": ("/", ()),
    "credential": ("/", ("Fremen Outdoor",)),
    "incidents": ("/incidents/", ()),
    "usage": ("/", ("Set a limit",)),
    "connect": ("/credentials/new/", ()),
    "audit": ("/audit/", ()),
}
COMPLETE = "history is complete"


@contextmanager
def stack() -> Iterator[tuple[str, str, str]]:
    """The running stack: its address, email and password, once the demo's history is complete."""
    with tempfile.TemporaryDirectory() as folder:
        port, simulator_port = free_port(), free_port()
        environment = {
            **inherited(),
            "PORT": str(port),
            "SIMULATOR_PORT": str(simulator_port),
            "DATA_DIR": folder,
            "DATABASE_URL": f"sqlite:///{folder}/sequin_admin.sqlite3",
            "PYTHONUNBUFFERED": "1",
        }
        command = [sys.executable, "manage.py", "up"]
        up = subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        try:
            email, password = read_login(up)
            yield f"http://127.0.0.1:{port}", email, password
        finally:
            up.send_signal(signal.SIGTERM)
            up.communicate(timeout=60)


def read_login(up: "subprocess.Popen[str]") -> tuple[str, str]:
    """The printed login. Raises `SystemExit` when the stack ended before."""
    login = None
    for line in up.stdout or ():
        login = re.search(r"Login +(\S+) +(\S+)", line) or login
        if login and COMPLETE in line:
            return login[1], login[2]
    raise SystemExit("The demo did not start; make run says why.")


def take(browser: Browser, theme: str, address: str, email: str, password: str) -> None:
    """A picture of each page in the theme."""
    width, height = SIZE
    context = browser.new_context(
        base_url=address,
        color_scheme="dark" if theme == "dark" else "light",
        viewport={"width": width, "height": height},
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/accounts/" not in url)
    for name, (path, pressed) in PAGES.items():
        page.goto(path)
        for text in pressed:
            page.get_by_role("link", name=text).first.click()
        page.wait_for_load_state("networkidle")
        save(page, FOLDER / f"{name}-{theme}.webp")
    context.close()


def save(page: Page, file: Path) -> None:
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.save(file, "WEBP", quality=QUALITY, method=6)
    print(f"{file.relative_to(ROOT)}: {file.stat().st_size:,} bytes")


def main() -> None:
    """Take all pictures. Raises `SystemExit` without a browser."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("There is no Chromium here: apt-get install chromium")
    FOLDER.mkdir(exist_ok=True)
    with stack() as (address, email, password), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for theme in THEMES:
            take(browser, theme, address, email, password)
        browser.close()


if __name__ == "__main__":
    main()
