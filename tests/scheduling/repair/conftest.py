"""A small network of two plants and four centers, and one of its orders that a closed plant hits."""

from __future__ import annotations

import pytest

from benchmarks.repair_network import Network
from scheduling.repair.snapshot import Affected


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(3, plants=2, centers=4, couriers=2, lines=3, days=40)


@pytest.fixture(scope="module")
def order(network: Network) -> Affected:
    return network.closed_plant(4, closed_days=25)[0][0]
