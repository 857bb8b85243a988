"""Every fault of a network file is named by its path, with what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from scheduling.design.network_file import SCHEMA, FaultyNetwork, load, read
from tests.scheduling.design.networks import Content, network, patient


def faults(content: Any) -> dict[str, str]:
    with pytest.raises(FaultyNetwork) as refused:
        read(content)
    assert all(fault.remedy for fault in refused.value.faults)
    return {fault.path: f"{fault.text} {fault.remedy}" for fault in refused.value.faults}


def changed(path: str, value: Any) -> Content:
    """The network with one entry changed; ``path`` as in the faults."""
    content = json.loads(json.dumps(network(), default=float))
    *parents, last = path.replace("[", ".").replace("]", "").split(".")
    inner: Any = content
    for part in parents:
        inner = inner[int(part)] if part.isdigit() else inner[part]
    inner[last] = value
    return content


def test_the_schema_is_one_and_the_network_keeps_it() -> None:
    schema = json.loads(SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    found = read(network())
    assert (len(found.plants), len(found.lanes), found.max_plants, found.waiting_allowed) == (2, 16, None, 0)


def test_what_may_be_left_out_has_its_default() -> None:
    content = {key: value for key, value in network().items() if key not in ("max_plants", "waiting_allowed")}
    found = read(content)
    assert (found.max_plants, found.waiting_allowed) == (None, 0)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("plants[0].lines", -1, "less than 0"),
        ("plants[0].lines", 1.5, "not of the type integer"),
        ("plants[0].cost_per_day", -0.01, "less than 0"),
        ("plants[0].cost_per_day", 0.00001, "too many decimals"),
        ("lanes[0].days", -2, "less than 0"),
        ("lanes[3].cost", "free", "not of the type number"),
        ("patients[0].ready_day", -1, "less than 0"),
        ("patients[1].collected_at", "nowhere", "no site 'nowhere'"),
        ("patients[1].treated_at", "alpha", "not a plant"),
        ("lanes[2].to", "gamma", "no site or plant 'gamma'"),
        ("process.manufacture_days", 0, "less than 1"),
        ("horizon_days", 0, "less than 1"),
        ("vein_to_vein_cap_days", True, "not of the type integer"),
        ("max_plants", -1, "less than 0"),
        ("waiting_allowed", None, "not of the type integer"),
        ("sites[0].id", "", "empty"),
        ("cost_per_therapy", 2e9, "more than 1000000000"),
    ],
)
def test_a_wrong_entry_is_named(path: str, value: Any, words: str) -> None:
    assert words in faults(changed(path, value))[path]


def test_a_circular_lane_is_named() -> None:
    lanes = [*network()["lanes"], {"from": "alpha", "to": "alpha", "mode": "air", "days": 0, "cost": 0}]
    assert "circular" in faults(network(lanes=lanes))["lanes[16]"]


def test_a_lane_between_two_sites_or_two_plants_is_named() -> None:
    lanes = [
        {"from": a, "to": b, "mode": "air", "days": 1, "cost": 1} for a, b in (("north", "south"), ("alpha", "beta"))
    ]
    found = faults(network(lanes=lanes))
    assert "both sites" in found["lanes[0]"]
    assert "both plants" in found["lanes[1]"]


def test_what_stands_twice_is_named() -> None:
    content = network()
    content["lanes"] = [*content["lanes"], {**content["lanes"][0], "cost": 1}]
    content["patients"] = [*content["patients"], patient("p1", 3)]
    content["sites"] = [*content["sites"], {"id": "alpha"}]
    found = faults(content)
    assert "already lanes[0]" in found["lanes[16]"]
    assert "patients[0]" in found["patients[3].id"]
    assert "plants[0].id" in found["sites[2].id"]


def test_missing_and_unknown_keys_are_named_with_what_is_known() -> None:
    content = network()
    del content["lanes"]
    content["plant"] = []
    found = faults(content)["file"]
    assert "known are" in found or "lanes is missing" in found
    assert "lanes is missing" in faults({key: value for key, value in network().items() if key != "lanes"})["file"]
    assert "plant is not known" in faults({**network(), "plant": []})["file"]


@pytest.mark.parametrize("content", [[], None, "network", {"plants": []}, 7])
def test_something_else_is_refused(content: Any) -> None:
    assert faults(content)


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ('{"plants": [,]}', "line 1, column 13", "not JSON"),
        ('{"a": 1, "a": 2}', "a", "twice"),
        ('{"horizon_days": NaN}', "file", "NaN"),
        ("[" * 100_000, "file", "nested"),
    ],
)
def test_what_is_no_json_is_refused_with_the_place(tmp_path: Path, text: str, path: str, words: str) -> None:
    file = tmp_path / "network.json"
    file.write_text(text)
    with pytest.raises(FaultyNetwork) as refused:
        load(file)
    (fault,) = refused.value.faults
    assert fault.path == path
    assert words in str(fault)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FaultyNetwork, match="cannot be read"):
        load(tmp_path / "none.json")
    (tmp_path / "image.json").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(FaultyNetwork, match="UTF-8"):
        load(tmp_path / "image.json")
