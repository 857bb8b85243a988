r"""Labels for a label printer, in ZPL II: the same marks as the PDF's, in dots.

Text is UTF-8 (``^CI28``) in the label's own font, which the printer is given once (``font_setup``). Whatever comes from
data goes through ``^FH``: every character that a printer could take for a command (``^``, ``~``), for the escape itself
(``_``), for a comma or a backslash of a parameter, and all beyond printable ASCII, is written as ``_hh`` per byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from custody.label_composition import Box, Mark, Symbol, Text, compose, size_of
from custody.label_contents import LabelContent
from custody.label_fonts import BOLD, FILES, PLAIN
from custody.label_symbols import data_matrix

RESOLUTIONS = (203, 300)  # dots per inch
PRINTER_FONTS = {PLAIN: "E:CGTMONO.TTF", BOLD: "E:CGTMONOB.TTF"}
_COMMANDS = frozenset("^~_\\,")


def render(contents: Sequence[LabelContent], dpi: int) -> str:
    """Return one format (``^XA`` … ``^XZ``) per label. ValueError for a resolution that no printer here has."""
    if dpi not in RESOLUTIONS:
        raise ValueError(f"one of {RESOLUTIONS}")
    return "".join(_format(content, dpi / 72) for content in contents)


@cache
def font_setup() -> str:
    """Return what stores the label's font in a printer, to be sent to it once."""
    stored = []
    for face, place in PRINTER_FONTS.items():
        content = FILES[face].read_bytes()
        stored.append(f"~DY{place.removesuffix('.TTF')},A,T,{len(content)},,{content.hex().upper()}\n")
    return "".join(stored)


def escaped(text: str) -> str:
    """Return a text as field data under ``^FH``: nothing in it is a command."""
    return "".join(
        character
        if " " <= character <= "~" and character not in _COMMANDS
        else "".join(f"_{byte:02X}" for byte in character.encode())
        for character in text
    )


def _format(content: LabelContent, scale: float) -> str:
    width, height = size_of(content.stock)
    head = ["^XA", "^CI28", f"^PW{round(width * scale)}", f"^LL{round(height * scale)}", "^LH0,0"]
    return "\n".join([*head, *(_field(mark, scale) for mark in compose(content)), "^PQ1", "^XZ"]) + "\n"


def _field(mark: Mark, scale: float) -> str:
    x, y = round(mark.x * scale), round(mark.y * scale)
    if isinstance(mark, Text):
        size, font = round(mark.size * scale), PRINTER_FONTS[BOLD if mark.bold else PLAIN]
        return f"^FT{x},{y}^A@N,{size},{size},{font}^FH_^FD{escaped(mark.text)}^FS"
    if isinstance(mark, Box):
        thick = max(1, round(scale))
        return f"^FO{x},{y}^GB{round(mark.width * scale)},{max(thick, round(mark.height * scale))},{thick}^FS"
    return _drawn(mark, x, y, scale) if mark.gs1 else _symbol(mark, x, y, scale)


def _drawn(mark: Symbol, x: int, y: int, scale: float) -> str:
    """A GS1 symbol as a picture (``^GFA``): makes of printers disagree on how its first character is asked for."""
    modules = data_matrix(mark.content, gs1=True)
    dots = max(1, int(mark.side * scale / len(modules)))
    across = (len(modules) * dots + 7) // 8
    rows = [
        "".join("1" if dark else "0" for dark in cells for _ in range(dots)).ljust(across * 8, "0") for cells in modules
    ]
    data = "".join(f"{int(row, 2):0{across * 2}X}" * dots for row in rows)
    size = across * dots * len(modules)
    return f"^FO{x},{y}^GFA,{size},{size},{across},{data}^FS"


def _symbol(mark: Symbol, x: int, y: int, scale: float) -> str:
    """Quality 200 is ECC 200; naming columns and rows keeps the symbol square and the very one of the PDF."""
    modules = len(data_matrix(mark.content))
    dots = int(mark.side * scale / modules)
    return f"^FO{x},{y}^BXN,{dots},200,{modules},{modules}^FH_^FD{escaped(mark.content)}^FS"
