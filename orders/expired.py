"""What is past its time of use is not given: a stop, not something that could be completed."""

from __future__ import annotations

from ledger.refusals import FactsMissing, MissingFact


class ProductExpired(FactsMissing):
    """The product at hand is past its time of use; ``text`` names the bags, ``remedy`` says what is done with them."""

    title = "Stop: the product is past its time of use"

    def __init__(self, text: str, remedy: str) -> None:
        super().__init__(remedy=remedy, facts=[MissingFact("product_expired", text)])
