"""`manage.py bench labels`: what a label costs from its rows to PDF and ZPL, in one process, without the database.

A bilingual label with patient lines, the fullest that there is; every one has another code, so that no symbol is known
already. The first one also loads the font, as the first print of a worker does. CPU milliseconds are this process's.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cgt.settings")
django.setup()

from custody import label_pdf, label_zpl  # noqa: E402
from custody.codes import container_code, label_serial  # noqa: E402
from custody.label_contents import LabelText, Layout, content_of  # noqa: E402
from custody.models import ChainOfIdentity, Container, Label  # noqa: E402

RESULTS = Path(__file__).with_name("labels_results.json")
LIMIT_MS = 50.0
AT = dt.datetime(2026, 5, 3, 12, 30, tzinfo=dt.UTC)
TEXT = LabelText(
    product="Fictionel (fictional autologous CAR-T)",
    storage="2 … 8 °C",
    zone="Europe/Berlin",
    site="Fictional University Hospital",
    patient_lines=("Łukasiewicz-Åström", "Fictional", "1961-04-05", "MRN-0042"),
    synthetic=True,
    layout=Layout(languages=("de", "en"), version=3),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="manage.py bench labels", description=__doc__)
    parser.add_argument("--rounds", type=int, default=300, help="labels of each kind (300)")
    rounds = parser.parse_args().rounds
    kinds: dict[str, Callable[[int], int]] = {
        "PDF, one label": lambda number: len(label_pdf.render([content_of(label(number), TEXT)])),
        "PDF, sheet of 8": lambda number: len(
            label_pdf.render_sheets([content_of(label(number * 8 + place), TEXT) for place in range(8)], "a4")
        ),
        "ZPL, one label": lambda number: len(label_zpl.render([content_of(label(number), TEXT)], 203)),
    }
    found = {name: _measure(draw, start * 100_000, rounds) for start, (name, draw) in enumerate(kinds.items())}
    content = {"command": f"python3 manage.py bench labels --rounds {rounds}", "kinds": found}
    RESULTS.write_text(json.dumps(content, indent=2) + "\n")
    print(json.dumps(content, indent=2))
    return 0 if found["PDF, one label"]["clock_p99_ms"] <= LIMIT_MS else 1


def label(number: int) -> Label:
    """Return a print of a filled bag, as it comes from the database."""
    coi = ChainOfIdentity(code=f"CHA999926{number:06d}")
    bag = Container(
        coi=coi,
        code=container_code(coi.code, "starting_material", 1),
        kind="starting_material",
        position=1,
        count=2,
        ended_at=AT,
        expires_at=AT + dt.timedelta(days=2),
        volume_ml=Decimal(250),
        donation_number="A999926123456",
    )
    return Label(container=bag, serial=label_serial(bag.code, 1), template="collection", printed_at=AT)


def _measure(draw: Callable[[int], int], start: int, rounds: int) -> dict[str, float]:
    cpu, clock = [], []
    for number in range(start, start + rounds + 1):
        began, spent = time.perf_counter(), time.process_time()
        if not draw(number):
            raise SystemExit("nothing was drawn")
        cpu.append((time.process_time() - spent) * 1000)
        clock.append((time.perf_counter() - began) * 1000)
    ordered = sorted(clock[1:])
    return {
        "first_ms": round(clock[0], 1),
        "cpu_ms": round(statistics.fmean(cpu[1:]), 2),
        "clock_p50_ms": round(statistics.median(ordered), 2),
        "clock_p99_ms": round(ordered[int(0.99 * (len(ordered) - 1))], 2),
    }


if __name__ == "__main__":
    sys.exit(main())
