"""The network of the journeys, with real commits: what one thread did, the others see."""

from tests.journeys.conftest import committed_world, shared_world

__all__ = ["committed_world", "shared_world"]
