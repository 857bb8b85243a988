"""The words of EPCIS 2.0 and its Core Business Vocabulary (CBV 2.0) that this product says, and its own namespace."""

from __future__ import annotations

from typing import Any

SCHEMA_VERSION = "2.0"
STANDARD_CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
PREFIX = "cgt"
NAMESPACE = "https://ns.cgt.example/epcis/"  # fictional and reserved (RFC 2606): extensions are never anybody else's
CONTEXT: list[Any] = [STANDARD_CONTEXT, {PREFIX: NAMESPACE}]

OBJECT, AGGREGATION, TRANSFORMATION = "ObjectEvent", "AggregationEvent", "TransformationEvent"
ASSOCIATION, TRANSACTION = "AssociationEvent", "TransactionEvent"
EVENT_TYPES = (OBJECT, AGGREGATION, TRANSACTION, TRANSFORMATION, ASSOCIATION)
ADD, OBSERVE, DELETE = "ADD", "OBSERVE", "DELETE"
ACTIONS = (ADD, OBSERVE, DELETE)

# Bare words stand for Web URIs: which prefix a field's words have (CBV 2.0).
WEB_VOCABULARY = "https://ref.gs1.org/cbv/"
WORD_PREFIX = {
    "bizStep": f"{WEB_VOCABULARY}BizStep-",
    "disposition": f"{WEB_VOCABULARY}Disp-",
    "set": f"{WEB_VOCABULARY}Disp-",
    "unset": f"{WEB_VOCABULARY}Disp-",
    "bizTransaction": f"{WEB_VOCABULARY}BTT-",
    "source": f"{WEB_VOCABULARY}SDT-",
    "destination": f"{WEB_VOCABULARY}SDT-",
    "exception": "https://gs1.org/voc/",
    "component": f"{WEB_VOCABULARY}Comp-",
    "sensorReport": "https://gs1.org/voc/",
}
CURIES = {"gs1": "https://gs1.org/voc/", "epcis": "https://ref.gs1.org/epcis/", "cbv": WEB_VOCABULARY}
URNS = {
    "urn:epcglobal:cbv:bizstep:": f"{WEB_VOCABULARY}BizStep-",
    "urn:epcglobal:cbv:disp:": f"{WEB_VOCABULARY}Disp-",
    "urn:epcglobal:cbv:btt:": f"{WEB_VOCABULARY}BTT-",
    "urn:epcglobal:cbv:sdt:": f"{WEB_VOCABULARY}SDT-",
    "urn:epcglobal:cbv:er:": f"{WEB_VOCABULARY}ER-",
}
EVENT_HASH = "ni:///sha-256;{digest}?ver=CBV2.0"


def bare(word: str) -> str:
    """Return a vocabulary word as JSON-LD writes it, whichever of its forms was sent (URN, Web URI, CURIE, bare)."""
    for urn, web in URNS.items():
        word = word.replace(urn, web)
    if word.startswith("cbv:"):
        word = WEB_VOCABULARY + word[4:]
    if word.startswith(WEB_VOCABULARY):
        return word.removeprefix(WEB_VOCABULARY).partition("-")[2]
    return word
