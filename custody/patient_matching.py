"""Spellings of one person that count as the same, for finding possible duplicates at one center (DOMAIN 5)."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

_GERMANIC = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae", "œ": "oe", "ß": "ss"})
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th"})


def name_variants(family_name: str, given_name: str, birth_date: dt.date) -> set[str]:
    """Return the normal forms under which a name and birth date are indexed.

    Accents and separators do not matter, ``ü`` matches both ``u`` and ``ue``, the order of family and given name and
    further given names do not matter.
    """
    found = set()
    for spell in (_plain, _transliterated):
        family, given = spell(family_name), spell(given_name)
        first = spell(re.split(r"[\s-]+", given_name.strip())[0]) if given_name.strip() else ""
        for name in (given, first):
            found.add("|".join([*sorted((family, name)), birth_date.isoformat()]))
    return found


def family_variants(family_name: str) -> set[str]:
    """Return the normal forms of a family name, to warn of patients who are called alike."""
    return {spell(family_name) for spell in (_plain, _transliterated)}


def normal_mrn(mrn: str) -> str:
    """Return a record number without separators, in capitals."""
    return re.sub(r"[\s./-]+", "", unicodedata.normalize("NFKC", mrn)).upper()


def _plain(name: str) -> str:
    lowered = unicodedata.normalize("NFC", name).lower().translate(_LETTERS)
    return _only_letters("".join(c for c in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(c)))


def _transliterated(name: str) -> str:
    return _plain(unicodedata.normalize("NFC", name).lower().translate(_GERMANIC))


def _only_letters(name: str) -> str:
    return "".join(c for c in name if c.isalnum())
