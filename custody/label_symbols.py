"""DataMatrix symbols (ECC 200), square, of a code: modules, True where dark."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import zxingcpp

SQUARE_VERSIONS = range(5, 25)  # zxing picks rectangular symbols unless a square version is named


@lru_cache(maxsize=256)
def data_matrix(content: str, *, gs1: bool = False) -> tuple[tuple[bool, ...], ...]:
    """Return the modules of the smallest square symbol; ValueError for a text that fits none.

    ``gs1``: element strings, written with parentheses; the symbol says that it is GS1 DataMatrix.
    """
    more: dict[str, Any] = {"gs1": True} if gs1 else {}
    for version in SQUARE_VERSIONS:
        try:
            symbol = zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat.DataMatrix, version=version, **more)
        except ValueError:
            continue
        drawn: Any = symbol.to_image(scale=1, add_quiet_zones=False)
        image: Any = memoryview(drawn)  # one byte per module, 0 is dark
        rows, columns = image.shape
        return tuple(tuple(image[row, column] == 0 for column in range(columns)) for row in range(rows))
    raise ValueError("the content does not fit a label's symbol")
