"""What a partner system sends twice happens once: every POST takes an ``Idempotency-Key``, or says why not (AP2)."""

from __future__ import annotations

from typing import Any

from tests.api import conformance

# operations that take no key: why
EXCUSED = {
    "drop_epcis_query": "names what it drops; sent again, it finds nothing and changes nothing",
    "unsubscribe_epcis_query": "names what it ends; sent again, it finds nothing and changes nothing",
    "find_patient": "reads and writes nothing; a body instead of an address, which would name the patient",
    "send_offline_entry": "the entry's own key, given by the device, makes it happen once",
    "print_downtime_day": "prints anew each time, numbered and on each order's record",
    "read_code": "reads and writes nothing; a body instead of an address, since a code may number a patient",
}
POSTS = {
    operation["operationId"]: operation
    for methods in conformance.document()["paths"].values()
    for method, operation in methods.items()
    if method in ("post", "put", "patch", "delete")
}


def takes_key(operation: dict[str, Any]) -> bool:
    return "Idempotency-Key" in {parameter.get("name") for parameter in operation.get("parameters", [])}


def test_every_operation_that_writes_takes_a_key_or_says_why_not() -> None:
    assert len(POSTS) > 40
    without = {name for name, operation in POSTS.items() if not takes_key(operation)}
    assert sorted(without - set(EXCUSED)) == []
    assert sorted(set(EXCUSED) - without) == []
