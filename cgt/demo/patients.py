"""Invented patients: their names and numbers are chance, and nobody's."""

from __future__ import annotations

import datetime as dt
import random

FAMILY = (
    "Abendroth",
    "Bellweather",
    "Cobbler",
    "Dunkelmann",
    "Eisenlohr",
    "Fairweather",
    "Grünwald",
    "Hollister",
    "Ibarra-Okafor",
    "Jansdotter",
    "Katzenbach",
    "Llewellyn",
    "Mondragón",
    "Nightingale",
    "Østergaard",
    "Papadimitriou",
    "Quillfeather",
    "Ravensworth",
    "Szczepański",
    "Tannenbaum",
)
GIVEN = (
    "Alma",
    "Bao",
    "Chiara",
    "Dmitri",
    "Elif",
    "Farid",
    "Gwendolyn",
    "Hamza",
    "Imani",
    "Juno",
    "Kofi",
    "Lucía",
    "Mateusz",
    "Noor",
    "Odile",
    "Priya",
    "Rafael",
    "Siobhán",
    "Tomoko",
    "Yusuf",
)


def invented(chance: random.Random, youngest: dt.date | None = None) -> dict[str, str]:
    """Return an adult as the enrolment form asks for one; with ``youngest`` a child born within 640 days before it."""
    born = dt.date(chance.randrange(1945, 2005), chance.randrange(1, 13), chance.randrange(1, 29))
    if youngest is not None:
        born = youngest - dt.timedelta(days=chance.randrange(640))
    return {
        "family_name": chance.choice(FAMILY),
        "given_name": chance.choice(GIVEN),
        "birth_date": born.isoformat(),
        "mrn": f"F{chance.randrange(10**7, 10**8)}",
        "sex": chance.choice(["female", "male"]),
        "phone": "",
    }
