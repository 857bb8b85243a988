"""How long a process waits for Redis: a moment, once; after that not at all for a while.

A server that is down refuses at once; one that is frozen takes the question and never answers. Everybody who comes
within the next seconds is told so at once, instead of waiting one after the other.
"""

from __future__ import annotations

from time import monotonic

ANSWER_WITHIN = 0.9  # seconds: longer than a busy machine takes, shorter than people wait
ASK_AGAIN_AFTER = 3.0  # seconds


class Patience:
    """Whether a server that did not answer in time is asked again."""

    def __init__(self) -> None:
        self._not_before = 0.0

    @property
    def is_over(self) -> bool:
        return monotonic() < self._not_before

    def lose(self) -> None:
        self._not_before = monotonic() + ASK_AGAIN_AFTER
