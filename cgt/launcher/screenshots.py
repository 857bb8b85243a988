"""`manage.py screenshots`: a picture of every desk in docs/images/desks/, from the demo that runs or one of its own."""

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cgt.launcher.messages import LauncherError, say
from cgt.launcher.paths import LOGS, ROOT, VAR
from cgt.launcher.processes import free_port

FOLDER = ROOT / "docs" / "images" / "desks"
LARGEST = 150 * 1024
PATIENCE = 600
# name of the picture, organization and persona whose desk it is
DESKS = (
    ("coordinator", "linden", "coordinator"),
    ("physician", "linden", "treating_physician"),
    ("apheresis", "linden", "apheresis_nurse"),
    ("cell_lab", "linden", "cell_lab_technologist"),
    ("infusion", "linden", "infusion_nurse"),
    ("planner", "borealis", "planner"),
    ("dock", "borealis", "operator"),
    ("qc", "borealis", "qc_analyst"),
    ("qa", "borealis", "qa_reviewer"),
    ("qp", "borealis", "qualified_person"),
    ("cmo_planner", "meridian", "cmo_planner"),
    ("driver", "swift", "courier_driver"),
    ("dispatcher", "swift", "courier_dispatcher"),
    ("auditor", "linden", "inspector"),
    ("network", "borealis", "site_network_manager"),
    ("administrator", "linden", "administrator"),
)
ALSO_DARK_AND_NARROW = ("coordinator", "driver")
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 320, "height": 900}


def run(arguments: list[str]) -> int:
    """Take all pictures, or those named on the command line."""
    parser = argparse.ArgumentParser(prog="manage.py screenshots", description=__doc__)
    parser.add_argument("desks", nargs="*", metavar="DESK", help=f"of {', '.join(name for name, _, _ in DESKS)}")
    wanted = parser.parse_args(arguments).desks
    unknown = sorted(set(wanted) - {name for name, _, _ in DESKS})
    if unknown:
        parser.error(f"there is no desk {', '.join(unknown)}")
    program = _chromium()
    with _demo() as (address, sign_ins), _browser(program) as browser:
        for name, organization, persona in DESKS:
            if not wanted or name in wanted:
                _take(browser, address, name, _membership(sign_ins, organization, persona))
    return 0


def _chromium() -> str:
    named = os.environ.get("CHROMIUM_PATH")
    for path in [named] if named else ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]:
        if path and shutil.which(path):
            return path
    raise LauncherError("There is no Chromium here: install it, or name one with CHROMIUM_PATH.", code=2)


@contextmanager
def _demo() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Address and sign-ins of the demo that runs; one is started, and stopped afterwards, when none does."""
    own = None
    if not _running():
        port = free_port()
        with (LOGS / "screenshots-demo.log").open("wb") as log:
            command = [sys.executable, str(ROOT / "manage.py"), "demo", "--port", str(port)]
            own = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        _wait(own)
    try:
        content = json.loads((VAR / "demo.json").read_text())
        yield _running(), content["sign_ins"]
    finally:
        if own is not None:
            own.terminate()
            own.wait(60)


def _running() -> str:
    """The address of this checkout's demo; empty while none is ready."""
    try:
        word = (VAR / "demo.pid").read_text().split()[1]
    except (OSError, IndexError):
        return ""
    return word.rstrip("/") if word.startswith("http") else ""


def _wait(demo: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE
    while not _running():
        if demo.poll() is not None or time.monotonic() > deadline:
            raise LauncherError(f"The demo did not start; its words: {LOGS / 'screenshots-demo.log'}")
        time.sleep(0.5)


@contextmanager
def _browser(program: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    flags = ["--disable-gpu", "--hide-scrollbars", "--no-first-run"] + (["--no-sandbox"] if os.geteuid() == 0 else [])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


def _membership(sign_ins: list[dict[str, str]], organization: str, persona: str) -> str:
    """Return whom to be: a person may act in two organizations, so a user name is not enough."""
    for row in sign_ins:
        if (row["organization"], row["persona"]) == (organization, persona):
            return row["membership"]
    raise LauncherError(f"Nobody in the demo is {persona} at {organization}. Start it anew: manage.py demo --fresh")


def _take(browser: Any, address: str, name: str, membership: str) -> None:
    context = browser.new_context(base_url=address, viewport=WIDE, color_scheme="light", reduced_motion="reduce")
    page = context.new_page()
    page.goto("/accounts/login/")
    page.locator(f'.cgt-signins form:has(input[name="membership"][value="{membership}"]) button').first.click()
    page.wait_for_load_state("networkidle")
    _keep(page, name)
    if name in ALSO_DARK_AND_NARROW:
        page.emulate_media(color_scheme="dark")
        _keep(page, f"{name}-dark")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(NARROW)
        _keep(page, f"{name}-320")
    context.close()


def _keep(page: Any, name: str) -> None:
    path = FOLDER / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(small(page.screenshot()))
    say(f"  {path.relative_to(ROOT)}  {path.stat().st_size // 1024} KB")


def small(picture: bytes, largest: int = LARGEST) -> bytes:
    """Return a PNG with as many colors of a palette as fit into the size."""
    from PIL import Image

    image = Image.open(io.BytesIO(picture)).convert("RGB")
    for colors in (128, 64, 32, 16):
        file = io.BytesIO()
        image.quantize(colors, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
        if file.tell() <= largest:
            break
    return file.getvalue()
