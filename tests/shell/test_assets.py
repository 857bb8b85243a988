"""The shell loads nothing from outside, has nothing inline, and its vendored files are the ones listed."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "static" / "vendor"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def listed() -> dict[str, str]:
    lines = (VENDOR / "CHECKSUMS.sha256").read_text().splitlines()
    return {name.removeprefix("./"): digest for digest, name in (line.split("  ", 1) for line in lines)}


def test_every_vendored_file_has_its_listed_checksum() -> None:
    present = {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "CHECKSUMS.sha256"
    }
    assert present == listed()


@pytest.mark.parametrize("sheet", sorted((ROOT / "static").rglob("*.css")), ids=lambda path: path.name)
def test_style_sheets_load_nothing(sheet: Path) -> None:
    text = sheet.read_text()
    assert "@import" not in text
    assert "sourceMappingURL" not in text  # hashed storage would look for the map
    urls = re.findall(r"url\(\s*[\"']?([^\"')]{0,40})", text)
    assert [url for url in urls if not url.startswith("data:")] == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_templates_have_nothing_inline_and_nothing_from_outside(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"<style\b|\sstyle\s*=", text)
    assert not re.search(r"<script\b(?![^>]*\bsrc=)(?![^>]*application/json)", text)
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']|javascript:|\shx-on", text)
    assert not re.search(r"(?:src|href)=[\"'](?:https?:)?//", text)


def test_every_icon_named_in_a_template_is_in_the_sprite() -> None:
    symbols = set(re.findall(r'<symbol id="([^"]+)"', (VENDOR / "tabler-icons" / "sprite.svg").read_text()))
    named = {
        name
        for template in TEMPLATES
        for pattern in (r'<c-icon name="([a-z0-9-]+)"', r'\bicon="([a-z0-9-]+)"', r'firstof icon "([a-z0-9-]+)"')
        for name in re.findall(pattern, template.read_text())
    }
    assert named, "no icon found: the patterns no longer fit the templates"
    assert named <= symbols


def test_the_manifest_names_icons_of_the_stated_size() -> None:
    manifest = json.loads((ROOT / "static" / "manifest.webmanifest").read_text())
    sizes = {icon["sizes"]: Image.open(ROOT / "static" / icon["src"]).size for icon in manifest["icons"]}
    assert sizes == {"192x192": (192, 192), "512x512": (512, 512)}
    assert any(icon.get("purpose") == "maskable" for icon in manifest["icons"])
