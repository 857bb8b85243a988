"""Proves that a copy of an order's record is what was sealed. Standard library only: it travels inside each dossier.

    python3 verify.py [dossier.zip | dossier.json | folder] [--key FINGERPRINT]

It needs no account and no network. It hashes the recorded text of each event anew, follows the hash chain, and checks
the seal (Ed25519) over all hashes and all other parts. The seal proves something only if its key is the one that the
sender publishes: compare the fingerprint, or give it with ``--key``. Events that the dossier's reader may not read are
there as their hash alone, so that the chain still holds. Exit code: 0 intact, 1 altered, 2 unreadable.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FORMAT = "cgt-dossier-1"
LARGEST = 40_000_000  # unpacked bytes: a copy that is larger is none of ours
MOST_FILES = 30
MOST_FINDINGS = 100


class Unreadable(ValueError):
    """The file is no dossier of this product."""


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it was sealed: which event (or part and row), which field."""

    kind: str
    text: str
    seq: int | None = None
    field: str = ""
    part: str = ""


@dataclass
class Report:
    """What a verification found. ``fingerprint`` is that of the key which the seal names."""

    order: str = ""
    stream: str = ""
    made_at: str = ""
    made_for: str = ""
    events: int = 0
    withheld: int = 0
    rows: int = 0
    fingerprint: str = ""
    findings: list[Finding] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        return not self.findings


def canonical(value: Any) -> str:
    """Return JSON with sorted keys and no spaces: equal values, equal text."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest(text: str | bytes) -> str:
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return hashlib.sha256(data).hexdigest()


def fingerprint_of(public_key: str) -> str:
    """Return the short form of a public key that people compare: eight groups of four characters."""
    short = digest(public_key)[:32].upper()
    return " ".join(short[start : start + 4] for start in range(0, 32, 4))


def unpack(content: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the document of a dossier (zip or JSON) and its other files; raises Unreadable."""
    files: dict[str, bytes] = {}
    if content[:2] == b"PK":
        files = _unzipped(content)
        content = files.pop("dossier.json", b"")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Unreadable("There is no readable dossier.json in it.") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise Unreadable(f"This is no dossier of the format {FORMAT}.")
    return document, files


def _unzipped(content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            entries = packed.infolist()
            if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > LARGEST:
                raise Unreadable("It is larger than any dossier.")
            return {entry.filename: packed.read(entry) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise Unreadable("The zip file is damaged.") from error


def verify(document: dict[str, Any], files: dict[str, bytes] | None = None, key: str = "") -> Report:
    """Verify a dossier's document; ``key`` is the public key or fingerprint that must have sealed it (if known).

    ``files`` are the other files of the dossier, None when only the document is at hand.
    """
    events, seal = _list(document.get("events")), _dict(document.get("seal"))
    parts = {name: _list(rows) for name, rows in _dict(document.get("parts")).items()}
    report = Report(
        order=_text(document.get("order")),
        stream=_text(document.get("stream")),
        made_at=_text(document.get("made_at")),
        made_for=_text(document.get("made_for")),
        events=len(events),
        withheld=sum(1 for event in events if "recorded" not in _dict(event)),
        rows=sum(len(rows) for rows in parts.values()),
        fingerprint=fingerprint_of(_text(seal.get("public_key"))) if seal else "",
    )
    report.findings = [
        *_seal_findings(document, seal, key),
        *_chain_findings(events, report.stream),
        *_rewritten(events, _list(seal.get("events"))),
        *_part_findings(parts, _dict(seal.get("parts"))),
        *_file_findings(files, _dict(seal.get("files"))),
    ][:MOST_FINDINGS]
    return report


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _chain_findings(events: list[Any], stream: str) -> Iterator[Finding]:
    """Each event by itself, then its place after the one before."""
    links = [_dict(event) for event in events]
    numbers = [_number(link.get("seq")) for link in links]
    if numbers != sorted(numbers):
        for number, wanted in zip(numbers, sorted(numbers), strict=True):
            if number != wanted:
                yield Finding("reordered", f"Event {number} stands where event {wanted} belongs.", number)
    before: dict[str, Any] = {}
    for link in sorted(links, key=lambda link: _number(link.get("seq"))):
        yield from _event_findings(link, stream)
        yield from _link_findings(link, before)
        before = link


def _link_findings(link: dict[str, Any], before: dict[str, Any]) -> Iterator[Finding]:
    seq, expected = _number(link.get("seq")), _number(before.get("seq")) + 1
    if seq == expected - 1:
        yield Finding("repeated", f"Event {seq} is there twice.", seq)
    elif seq != expected:
        which = f"Event {expected} is" if seq == expected + 1 else f"Events {expected} to {seq - 1} are"
        yield Finding("missing", f"{which} missing.", expected)
    elif link.get("previous_hash") != before.get("hash", ""):
        yield Finding("link_broken", f"Event {seq} does not continue event {seq - 1}.", seq, "previous_hash")


def _event_findings(link: dict[str, Any], stream: str) -> Iterator[Finding]:
    """Whether an event's recorded text has the hash that is claimed, and says what is shown beside it."""
    if "recorded" not in link:
        return
    seq, text = _number(link.get("seq")), _text(link.get("recorded"))
    recorded, shown = _parsed(text), _dict(link.get("content"))
    differing = sorted(set(differences(recorded, shown)))
    if digest(text) != link.get("hash"):
        yield Finding("changed", f"The recorded text of event {seq} does not have its hash: it was changed.", seq)
    for name in differing:
        yield Finding(
            "changed",
            f"Event {seq}, {name}: “{_short(shown, name)}” is shown, “{_short(recorded, name)}” was recorded.",
            seq,
            name,
        )
    for name, claimed in (("seq", seq), ("previous_hash", link.get("previous_hash")), ("stream_id", stream)):
        if recorded and recorded.get(name) != claimed:
            yield Finding("misplaced", f"Event {seq} was recorded in another place: its {name} differs.", seq, name)


def differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Yield the dotted names of the fields in which two JSON values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted({*one, *other}, key=str):
            below = f"{path}.{name}" if path else str(name)
            if name in one and name in other:
                yield from differences(one[name], other[name], below)
            else:
                yield below
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, (left, right) in enumerate(zip(one, other, strict=True), start=1):
            yield from differences(left, right, f"{path}.{place}")
    elif one != other or isinstance(one, bool) != isinstance(other, bool):
        yield path or "everything"


def value_at(value: Any, path: str) -> Any:
    """Return what stands at a dotted name that ``differences`` gave; None when nothing does."""
    for name in path.split("."):
        if isinstance(value, list) and name.isdigit() and 0 < int(name) <= len(value):
            value = value[int(name) - 1]
        else:
            value = _dict(value).get(name)
    return value


def _short(value: Any, path: str) -> str:
    found = value_at(value, path)
    text = found if isinstance(found, str) else canonical(found)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _rewritten(events: list[Any], sealed: list[Any]) -> Iterator[Finding]:
    """What the seal saw that is not here any more, event by event: a chain computed anew does not help."""
    hashes = {_number(_dict(event).get("seq")): _dict(event).get("hash") for event in events}
    for seq, known in enumerate(sealed, start=1):
        if seq in hashes and hashes[seq] != known:
            yield Finding("rewritten", f"Event {seq} is not the event that was sealed.", seq, "hash")
    last = max(hashes, default=0)
    if sealed and last < len(sealed):
        yield Finding("missing", f"Events after {last} are missing: {len(sealed)} were sealed.", last + 1)
    if sealed and last > len(sealed):
        yield Finding("added", f"Events after {len(sealed)} were added later.", len(sealed) + 1)


def compare(
    document: dict[str, Any], hashes: dict[int, str], recorded: dict[int, str], report: Report
) -> Iterator[Finding]:
    """Yield what differs between a copy and the live record (its hash by place, and the texts that may be read).

    What ``report`` already says of a field is not said twice.
    """
    said = {(finding.seq, finding.field) for finding in report.findings if finding.field}
    for link in map(_dict, _list(document.get("events"))):
        seq = _number(link.get("seq"))
        if seq not in hashes:
            yield Finding("added", f"The live record has no event {seq}.", seq)
            continue
        if link.get("hash") != hashes[seq]:
            yield Finding("rewritten", f"The live record has another event in place {seq}.", seq)
        if "recorded" not in link or seq not in recorded:
            continue
        here, there = _parsed(_text(link.get("recorded"))), _parsed(recorded[seq])
        for name in differences(here, there):
            if (seq, name) not in said:
                text = f"the copy says “{_short(here, name)}”, the live record says “{_short(there, name)}”."
                yield Finding("changed", f"Event {seq}, {name}: {text}", seq, name)


def _parsed(text: str) -> dict[str, Any]:
    try:
        return _dict(json.loads(text))
    except (ValueError, RecursionError):
        return {}


def _part_findings(parts: dict[str, list[Any]], sealed: dict[str, Any]) -> Iterator[Finding]:
    for name in sorted({*parts, *sealed}):
        present, known = [digest(canonical(row)) for row in parts.get(name, [])], _list(sealed.get(name))
        if present == known:
            continue
        title = name.replace("_", " ")
        if len(present) != len(known):
            yield Finding("changed", f"Part “{title}” has {len(present)} rows; {len(known)} were sealed.", part=name)
        for row, (here, there) in enumerate(zip(present, known, strict=False), start=1):
            if here != there:
                yield Finding("changed", f"Part “{title}”, row {row}, is not what was sealed.", part=name)
                if len(present) != len(known):
                    break


def _file_findings(files: dict[str, bytes] | None, sealed: dict[str, Any]) -> Iterator[Finding]:
    if files is None:
        return
    for name in sorted(sealed):
        if name not in files:
            yield Finding("missing", f"The file {name} is missing.", part=name)
        elif digest(files[name]) != sealed[name]:
            yield Finding("changed", f"The file {name} is not what was sealed.", part=name)


def sealed_text(seal: dict[str, Any]) -> str:
    """Return what a seal's signature is over: the seal without the signature."""
    return canonical({name: value for name, value in seal.items() if name != "signature"})


def _seal_findings(document: dict[str, Any], seal: dict[str, Any], key: str) -> Iterator[Finding]:
    if not seal:
        yield Finding("unsealed", "The seal is missing.", part="seal")
        return
    public_key, signature = _text(seal.get("public_key")), _text(seal.get("signature"))
    if not _is_signed(public_key, signature, sealed_text(seal)):
        yield Finding("seal_forged", "The seal was changed after it was made.", part="seal")
    if key and key.replace(" ", "").upper() not in (public_key.upper(), fingerprint_of(public_key).replace(" ", "")):
        yield Finding("seal_foreign", "The seal was made with another key than the one expected.", part="seal")
    for name in ("order", "stream", "made_at", "made_for"):
        if seal.get(name) != document.get(name):
            yield Finding("changed", f"“{name}” is not what was sealed.", field=name, part="seal")


# ---- Ed25519 (RFC 8032), verification only, so that nothing but Python is needed --------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


def _plus(one: Point, other: Point) -> Point:
    a, b = (one[1] - one[0]) * (other[1] - other[0]) % P, (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * one[3] * other[3] * D % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def _times(scalar: int, point: Point) -> Point:
    result: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = _plus(result, point)
        point = _plus(point, point)
        scalar >>= 1
    return result


def _point(text: bytes) -> Point | None:
    number = int.from_bytes(text, "little")
    y, sign = number & (2**255 - 1), number >> 255
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = _point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def _is_signed(public_key: str, signature: str, text: str) -> bool:
    try:
        key, signed = bytes.fromhex(public_key), bytes.fromhex(signature)
    except ValueError:
        return False
    if len(key) != 32 or len(signed) != 64 or BASE is None:
        return False
    owner, nonce, scalar = _point(key), _point(signed[:32]), int.from_bytes(signed[32:], "little")
    if owner is None or nonce is None or scalar >= ORDER:
        return False
    message = signed[:32] + key + text.encode("utf-8", "surrogatepass")
    challenge = int.from_bytes(hashlib.sha512(message).digest(), "little") % ORDER
    left, right = _times(scalar, BASE), _plus(nonce, _times(challenge, owner))
    same_x = (left[0] * right[2] - right[0] * left[2]) % P == 0
    return same_x and (left[1] * right[2] - right[1] * left[2]) % P == 0


# ---- the command -----------------------------------------------------------------------------------------------------


def in_words(report: Report, expected_key: str = "") -> str:
    """Return a report as lines of text."""
    lines = [
        f"Order {report.order}, sealed {report.made_at} for {report.made_for}",
        f"{report.events} events ({report.withheld} as their hash only), {report.rows} rows of other parts",
        f"Fingerprint of the sealing key: {report.fingerprint or 'none'}",
    ]
    if not expected_key and report.fingerprint:
        lines.append(
            "Compare this fingerprint with the one that the sender publishes: without that a seal proves little."
        )
    lines += [f"- {finding.text}" for finding in report.findings]
    lines.append("INTACT: nothing was altered." if report.intact else f"ALTERED: {len(report.findings)} finding(s).")
    return "\n".join(lines)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, bytes] | None]:
    if path.is_dir():
        document, _ = unpack((path / "dossier.json").read_bytes())
        names = _dict(_dict(document.get("seal")).get("files"))
        return document, {name: (path / name).read_bytes() for name in map(str, names) if (path / name).is_file()}
    content = path.read_bytes()
    document, files = unpack(content)
    return document, files if content[:2] == b"PK" else None


def main(arguments: list[str]) -> int:
    """Verify the dossier that is named (default: the folder of this file)."""
    key, paths = "", list(arguments)
    if "--key" in paths:
        place = paths.index("--key")
        key, paths = " ".join(paths[place + 1 : place + 2]), paths[:place] + paths[place + 2 :]
    try:
        document, files = _read(Path(paths[0]) if paths else Path(__file__).resolve().parent)
    except (OSError, Unreadable) as error:
        sys.stderr.write(f"Cannot be verified: {error}\n")
        return 2
    report = verify(document, files, key)
    sys.stdout.write(in_words(report, key) + "\n")
    return 0 if report.intact else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
