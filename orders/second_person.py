"""What two people do is not done by one: said as what it is, wherever a second person signs."""

from __future__ import annotations

from ledger.refusals import FactsMissing, MissingFact

CODE = "second_person_needed"


class SecondPersonNeeded(FactsMissing):
    """Both signatures belong to one human being; ``remedy`` says whom to ask."""

    title = "A second person is needed"

    def __init__(self, remedy: str, text: str = "Both signatures belong to one human being.") -> None:
        fact = MissingFact(CODE, text, remedy)
        super().__init__("The second person must be somebody else.", code=CODE, facts=[fact])
