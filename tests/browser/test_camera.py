"""A camera reads codes into scan fields (CL2, IN2): real pictures of real labels, played to Chromium as its camera."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pypdfium2
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import expect

from tests.browser.journeys import Crew, OrderWork
from tests.browser.test_courier_and_audit import good
from tests.browser.test_offline import cut, equipped
from tests.browsing import chromium as chromium_path
from tests.orders.conftest import patient
from tests.orders.factories import make_world
from tests.orders.packing import journey_of, packed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("camera")]

DRIVER, NURSE = ("courier", "courier_driver", 1), ("center", "apheresis_nurse", 1)
WIDTH, HEIGHT = 1280, 720
PICTURES = os.environ.get("PICTURES")  # a folder: where to leave what was looked at


def printed_as(text: str, kind: zxingcpp.BarcodeFormat) -> Image.Image:
    """Return a code of another kind as it would be printed, with its quiet zone."""
    made = Image.fromarray(zxingcpp.create_barcode(text, kind).to_image(scale=3)).convert("L")
    whole = Image.new("L", (made.width + 80, made.height + 80), 255)
    whole.paste(made, (40, 40))
    return whole


def symbol(text: str, side: int = 260) -> Image.Image:
    """Return a DataMatrix as it would be printed, on white."""
    made = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.DataMatrix)
    return Image.fromarray(made.to_image(scale=8)).convert("L").resize((side, side))


def show(video: Path, *pictures: Image.Image) -> None:
    """Write what the camera sees: the pictures beside each other, in the middle, on a gray table (YUV4MPEG2)."""
    table = Image.new("L", (WIDTH, HEIGHT), 200)
    left = (WIDTH - sum(one.width for one in pictures) - 20 * (len(pictures) - 1)) // 2
    for one in pictures:
        table.paste(one, (left, (HEIGHT - one.height) // 2))
        left += one.width + 20
    frame = b"FRAME\n" + table.tobytes() + b"\x80" * (WIDTH * HEIGHT // 2)
    video.write_bytes(b"YUV4MPEG2 W%d H%d F10:1 Ip A1:1 C420jpeg\n" % (WIDTH, HEIGHT) + frame * 3)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("camera") / "seen.y4m"


@pytest.fixture(scope="module")
def seeing(browser: Browser, video: Path) -> Iterator[Browser]:
    """A Chromium whose camera plays the video."""
    show(video)
    flags = ["--disable-gpu", "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={video}"]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")
    chromium = browser.browser_type.launch(executable_path=chromium_path(), args=flags)
    yield chromium
    chromium.close()


@pytest.fixture
def crew(seeing: Browser, live_site: str, committed_db: None) -> Iterator[Crew]:
    people = Crew(seeing, live_site, make_world())
    yield people
    people.close()


def opened(page: Page, label: str) -> Page:
    page.context.grant_permissions(["camera"])
    page.get_by_role("button", name=f"Scan with the camera: {label}", exact=True).click()
    return page


@pytest.mark.story("CR1", "CR3")
def test_a_driver_scans_the_box_with_the_phone(crew: Crew, video: Path) -> None:
    work = OrderWork(crew, packed(crew.world, **patient()))
    box = work.boxes()[0]
    page = work.open(DRIVER, "pickup")
    page.set_viewport_size({"width": 390, "height": 844})
    good(page)
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / "camera-field.png"), full_page=True)
    show(video, symbol(box))
    opened(page, "Outer code of the box")
    expect(page.locator("[name=outer_code]")).to_have_value(box, timeout=60_000)
    assert page.locator("dialog").count() == 0
    assert page.evaluate("document.activeElement.name") == "seal_seen"  # as after a scanner's Enter


@pytest.mark.story("CR1", "CR2")
@pytest.mark.parametrize("kind", ["QRCode", "Code128"])
def test_codes_of_other_kinds_are_read_and_a_seal_is_scanned_too(crew: Crew, video: Path, kind: str) -> None:
    work = OrderWork(crew, packed(crew.world, **patient()))
    box, page = work.boxes()[0], work.open(DRIVER, "pickup")
    page.set_viewport_size({"width": 390, "height": 844})
    for label, name, text in (
        ("Outer code of the box", "outer_code", box),
        ("Seal number on the box", "seal_seen", "SEAL-004711"),
    ):
        show(video, printed_as(text, getattr(zxingcpp.BarcodeFormat, kind)))
        opened(page, label)
        expect(page.locator(f"[name={name}]")).to_have_value(text, timeout=60_000)


@pytest.mark.story("AN2", "CL2")
def test_two_codes_in_sight_are_not_guessed_at_and_printed_labels_are_read_one_by_one(crew: Crew, video: Path) -> None:
    journey = journey_of(crew.world, **patient())
    journey.run(before="apply_labels")
    work = OrderWork(crew, journey.code)
    sheet = crew.at(*NURSE).request.get(f"/orders/{work.code}/labels.pdf").body()
    pictures = [label.render(scale=2.2).to_pil().convert("L") for label in pypdfium2.PdfDocument(sheet)]
    codes = work.bags("SM")
    page = work.open(NURSE, "apply_labels")
    show(video, symbol(codes[0]), symbol("CHA999926999999"))
    opened(page, "Scan every label yourself, one after the other")
    words = page.get_by_role("status").filter(has_text="codes")
    words.wait_for()
    assert words.inner_text() == "Several codes are in the picture. Bring only one into it."
    good(page)
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / "camera.png"))
    page.get_by_role("button", name="Done").click()
    assert page.input_value("[data-scan=many]") == ""
    for picture in pictures:  # one after the other, as they lie at the chair
        show(video, picture)
        opened(page, "Scan every label yourself, one after the other")
        page.get_by_text("scanned. Last:").wait_for()
        page.get_by_role("button", name="Done").click()
    read = page.input_value("[data-scan=many]").split(", ")
    assert len(read) == len(pictures) and all(code in text for code, text in zip(codes, read, strict=True))


def test_a_forbidden_camera_says_what_else_helps(crew: Crew, video: Path) -> None:
    work = OrderWork(crew, packed(crew.world, **patient()))
    page = work.open(DRIVER, "pickup")
    page.get_by_role("button", name="Scan with the camera: Outer code of the box", exact=True).dblclick()
    page.get_by_text("The browser may not use the camera.").wait_for()
    assert page.locator("dialog").count() == 1
    assert "typing the code" in page.locator("dialog").inner_text()
    good(page)
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.name") == "outer_code"


@pytest.mark.story("CR2")
def test_without_network_the_reader_comes_from_the_device(crew: Crew, video: Path) -> None:
    work = OrderWork(crew, packed(crew.world, **patient()))
    box = work.boxes()[0]
    page = equipped(work.open(DRIVER, "pickup"))
    page.set_viewport_size({"width": 390, "height": 844})
    show(video, symbol(box))
    cut(page)
    page.reload()  # nothing is in memory any more: the page, its scripts and the decoder come from the device
    expect(page.get_by_role("heading", name="Entries without network")).to_be_visible()
    opened(page, "Outer code of the box")
    expect(page.locator("#offline-sheets [name=outer_code]")).to_have_value(box, timeout=60_000)
    expect(page.locator("#offline-sheets form").get_by_role("alert")).to_be_hidden()  # it is a code of this order
