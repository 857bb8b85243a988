"""What scanners and keyboards add to a code or take from it: symbology marks, line ends, a wrong keyboard layout."""

from __future__ import annotations

import re

_SYMBOLOGY = re.compile(r"^\][A-Za-z][0-9A-Za-z]")  # AIM identifiers: ]d1, ]C0 …
GS1_SYMBOLOGIES = ("]C1", "]e0", "]e1", "]e2", "]d2", "]d5", "]Q3", "]Q5", "]J1")

_US = "1234567890-=qwertyuiop[]asdfghjkl;'zxcvbnm,./!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:ZXCVBNM<>?"
_FRENCH = "&é\"'(-è_çà)=azertyuiop^$qsdfghjklmùwxcvbn,;:!1234567890°+AZERTYUIOP¨£QSDFGHJKLMWXCVBN?./§"
_GERMAN = '1234567890ß´qwertzuiopü+asdfghjklöäyxcvbnm,.-!"§$%&/()=?`QWERTZUIOPÜ*ASDFGHJKLÖYXCVBNM;:_'
_FROM_FRENCH = str.maketrans(_FRENCH, _US)
_FROM_GERMAN = str.maketrans(_GERMAN, _US)
# Characters that no code holds, and that a scanner set to a US keyboard types on such a keyboard all the time.
_MARKS_FRENCH = frozenset("éèçàù")
_MARKS_GERMAN = frozenset("ßöäü´ÖÄÜ")


def stripped(scanned: str) -> tuple[str, str]:
    """Return the text without what surrounds it, and the symbology mark that stood in front (or nothing)."""
    text = scanned.strip().strip("\r\n\t ")
    mark = _SYMBOLOGY.match(text)
    symbology = mark[0] if mark else ""
    return text[len(symbology) :].strip("\x1d\r\n\t "), symbology


def retyped(text: str) -> str:
    """Return what the scanner sent if the text was typed on another keyboard layout for sure; else nothing.

    The caller takes it only where the code carries a check of its own.
    """
    if _MARKS_FRENCH & set(text):
        return text.translate(_FROM_FRENCH)
    if _MARKS_GERMAN & set(text):
        return text.translate(_FROM_GERMAN)
    return ""
