"""A sealed copy: whatever is done to it is found, and what is found is named; it needs nothing but Python."""

from __future__ import annotations

import copy
import inspect
import json
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import copies, seals
from ledger.canonical import canonical_text, digest

STREAM = "0190a000-0000-7000-8000-000000000001"
HIDDEN = 3  # an event that the reader may not read


def made(number: int = 6) -> dict[str, Any]:
    """A dossier's document of some events, sealed by this system; one event is there as its hash only."""
    events: list[dict[str, Any]] = []
    before = ""
    for seq in range(1, number + 1):
        content = {"seq": seq, "stream_id": STREAM, "previous_hash": before, "payload": {"volume_ml": f"{seq}0.5"}}
        text = canonical_text(content)
        link: dict[str, Any] = {"seq": seq, "hash": digest(text), "previous_hash": before}
        if seq != HIDDEN:
            link |= {"recorded": text, "content": content}
        events.append(link)
        before = link["hash"]
    document = {
        "format": copies.FORMAT,
        "order": "CT-2222-2222",
        "stream": STREAM,
        "made_at": "2026-01-05T10:00:00+00:00",
        "made_for": "Ünal, Inspector",
        "parts": {"labels": [{"serial": "A"}, {"serial": "B"}], "refused_attempts": []},
        "events": events,
    }
    seals.seal(document, {"dossier.html": b"<p>"})
    return document


def found(document: dict[str, Any], files: dict[str, bytes] | None = None) -> list[tuple[str, int | None, str]]:
    report = copies.verify(document, files, seals.public_key())
    return [(finding.kind, finding.seq, finding.field) for finding in report.findings]


def rewritten(document: dict[str, Any], first: int) -> None:
    """Compute every hash from an event on anew, as a careful forger would."""
    for place in range(first - 1, len(document["events"])):
        event = document["events"][place]
        event["previous_hash"] = document["events"][place - 1]["hash"] if place else ""
        if "content" in event:
            event["content"]["previous_hash"] = event["previous_hash"]
            event["recorded"] = canonical_text(event["content"])
            event["hash"] = digest(event["recorded"])


def test_an_untouched_copy_is_intact_and_hidden_events_do_not_break_it() -> None:
    report = copies.verify(made(), {"dossier.html": b"<p>"}, seals.public_key())
    assert report.findings == []
    assert (report.events, report.withheld, report.rows) == (6, 1, 2)
    assert report.fingerprint == seals.fingerprint()
    assert len(report.fingerprint.split()) == 8


def test_a_changed_value_is_named_by_event_and_field() -> None:
    document = made()
    document["events"][4]["content"]["payload"]["volume_ml"] = "99.9"
    assert found(document) == [("changed", 5, "payload.volume_ml")]
    assert "50.5" in copies.verify(document).findings[0].text


def test_a_changed_recorded_text_no_longer_has_its_hash() -> None:
    document = made()
    document["events"][4]["recorded"] = document["events"][4]["recorded"].replace("50.5", "99.9")
    assert ("changed", 5, "") in found(document)
    assert ("changed", 5, "payload.volume_ml") in found(document)


@pytest.mark.parametrize("place", [0, 2, 5])
def test_a_removed_event_is_missed(place: int) -> None:
    document = made()
    del document["events"][place]
    assert {(kind, seq) for kind, seq, _ in found(document)} == {("missing", place + 1)}


def test_events_out_of_order_repeated_or_added_are_named() -> None:
    document = made()
    document["events"][1], document["events"][4] = document["events"][4], document["events"][1]
    assert {(kind, seq) for kind, seq, _ in found(document)} == {("reordered", 5), ("reordered", 2)}
    document = made()
    document["events"].insert(2, document["events"][1])
    assert ("repeated", 2, "") in found(document)
    document = made(7)
    document["seal"] = made(6)["seal"]
    assert ("added", 7, "") in found(document)


def test_a_chain_computed_anew_does_not_help() -> None:
    document = made()
    document["events"][3]["content"]["payload"]["volume_ml"] = "99.9"
    rewritten(document, 4)
    assert found(document) == [("rewritten", seq, "hash") for seq in (4, 5, 6)]


def test_who_seals_anew_needs_the_key() -> None:
    document = made()
    document["events"][1]["content"]["payload"]["volume_ml"] = "99.9"
    rewritten(document, 2)
    document["seal"]["events"] = [event["hash"] for event in document["events"]]
    assert found(document) == [("seal_forged", None, "")]
    own = Ed25519PrivateKey.generate()
    public = own.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    document["seal"]["public_key"] = public
    document["seal"]["signature"] = own.sign(copies.sealed_text(document["seal"]).encode()).hex()
    assert found(document) == [("seal_foreign", None, "")]
    assert copies.verify(document).findings == []  # why the fingerprint has to be compared
    assert copies.verify(document).fingerprint != seals.fingerprint()


@pytest.mark.parametrize("name", ["order", "made_at", "made_for"])
def test_whose_dossier_it_is_stands_under_the_seal(name: str) -> None:
    document = made()
    document[name] = "Somebody else"
    assert found(document) == [("changed", None, name)]


def test_parts_and_files_stand_under_the_seal_too() -> None:
    document = made()
    document["parts"]["labels"][1]["serial"] = "C"
    assert [finding.text for finding in copies.verify(document).findings] == [
        "Part “labels”, row 2, is not what was sealed."
    ]
    document = made()
    document["parts"]["refused_attempts"].append({"who": "x"})
    assert found(document) == [("changed", None, "")]
    assert found(made(), {"dossier.html": b"<b>"}) == [("changed", None, "")]
    assert found(made(), {}) == [("missing", None, "")]
    assert found(made(), None) == []


def test_without_a_seal_a_copy_proves_nothing() -> None:
    document = made()
    del document["seal"]
    assert ("unsealed", None, "") in found(document)


def zipped(files: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 not a zip",
        b"[1, 2]",
        b'{"format": "another"}',
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        zipped({"other.json": b"{}"}),
        zipped({f"{number}": b"" for number in range(40)}),
        zipped({"dossier.json": b" " * (copies.LARGEST + 1)}),
        zipped({"dossier.json": b"{}" * 999})[:-40],
    ],
    ids=[
        "empty",
        "cut-zip",
        "list",
        "another-format",
        "deep",
        "long-number",
        "other-file",
        "many-files",
        "too-large",
        "cut-end",
    ],
)
def test_what_is_no_dossier_is_refused(content: bytes) -> None:
    with pytest.raises(copies.Unreadable):
        copies.unpack(content)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
places = st.sampled_from(["order", "stream", "made_at", "made_for", "parts", "events", "seal"])


@given(places, anything)
@settings(max_examples=150, deadline=None)
def test_no_document_breaks_the_verification(place: str, value: Any) -> None:
    document = made()
    document[place] = value
    assert not copies.verify(document, {}).intact


@given(st.sampled_from(["seq", "hash", "previous_hash", "recorded", "content"]), anything)
@settings(max_examples=150, deadline=None)
def test_no_event_breaks_the_verification(name: str, value: Any) -> None:
    document = made()
    if document["events"][1][name] == value:
        return
    document["events"][1][name] = value
    assert not copies.verify(document).intact


def test_it_runs_alone_from_the_folder_of_the_dossier(tmp_path: Path) -> None:
    document = made()
    document["seal"] = {}
    files = {"dossier.html": b"<p>", "verify.py": inspect.getsource(copies).encode()}
    seals.seal(document, files)
    for name, content in {**files, "dossier.json": json.dumps(document).encode()}.items():
        (tmp_path / name).write_bytes(content)

    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-I", "-S", str(tmp_path / "verify.py"), *arguments]  # no packages, no project
        done = subprocess.run(command, capture_output=True, check=False)
        return done.returncode, done.stdout.decode() + done.stderr.decode()

    code, said = run()
    assert code == 0 and "INTACT" in said and seals.fingerprint() in said and "Compare" in said
    code, said = run(str(tmp_path), "--key", seals.fingerprint())
    assert code == 0 and "Compare" not in said
    assert run(str(tmp_path), "--key", "0000 1111")[0] == 1
    changed = copy.deepcopy(document)
    changed["events"][3]["content"]["payload"]["volume_ml"] = "1"
    (tmp_path / "dossier.json").write_text(json.dumps(changed))
    code, said = run()
    assert code == 1 and "Event 4, payload.volume_ml" in said and "ALTERED" in said
    assert run(str(tmp_path / "nothing.zip"))[0] == 2
