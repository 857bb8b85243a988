import pytest

from tests.quality.factories import World


@pytest.fixture
def world(db: None) -> World:
    return World()
