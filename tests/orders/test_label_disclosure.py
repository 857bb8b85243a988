"""A patient's name stands on a label only where therapy and market disclose it, and nowhere else on what is printed."""

from __future__ import annotations

from collections.abc import Iterator

import pypdfium2
import pytest

from network.actions.therapies import set_disclosure
from tests.factories import operator
from tests.orders.conftest import Browse, booked, patient, text_of
from tests.orders.factories import World
from tests.orders.test_pages import hidden

pytestmark = pytest.mark.usefixtures("committed_db")
NURSE = ("center", "apheresis_nurse")
BIRTH = "1961-04-05"


@pytest.fixture
def person() -> dict[str, str]:
    return patient()


@pytest.fixture
def labeled(world: World, browse: Browse, person: dict[str, str]) -> str:
    """An order whose collection labels are printed."""
    code = booked(world, **person)
    nurse, address = browse(*NURSE), f"/orders/{code}/steps/labels/"
    assert nurse.post(address, hidden(nurse, address)).status_code == 303
    return code


@pytest.fixture
def disclosed(world: World, committed_db: None) -> Iterator[None]:
    """The therapy discloses name and date of birth in this market, while the test runs."""
    set_disclosure(operator(world.maker), world.therapy, "DE", ["family_name", "given_name", "birth_date"])
    yield
    set_disclosure(operator(world.maker), world.therapy, "DE", [])


def printed(answer: object) -> str:
    document = pypdfium2.PdfDocument(answer.content)  # type: ignore[attr-defined]
    pages = "".join(page.get_textpage().get_text_bounded() for page in document)
    return pages + "".join(map(str, document.get_metadata_dict().values()))


@pytest.mark.story("AN2")
def test_a_label_names_nobody_unless_a_policy_of_the_market_says_so(
    browse: Browse, labeled: str, person: dict[str, str]
) -> None:
    answer = browse(*NURSE).get(f"/orders/{labeled}/labels.pdf")
    text = printed(answer)
    assert "-SM01" in text, "the label itself is there"
    for secret in (person["family_name"], person["given_name"], person["mrn"], BIRTH):
        assert secret not in text


def test_what_is_disclosed_is_printed_for_the_center_only(
    world: World, browse: Browse, disclosed: None, labeled: str, person: dict[str, str]
) -> None:
    answer = browse(*NURSE).get(f"/orders/{labeled}/labels.pdf")
    text = printed(answer)
    assert person["family_name"] in text and person["given_name"] in text and BIRTH in text
    assert person["mrn"] not in text, "not disclosed"
    assert answer["Content-Disposition"] == f'inline; filename="labels-{labeled}.pdf"'
    title = pypdfium2.PdfDocument(answer.content).get_metadata_dict().get("Title", "")
    assert person["family_name"] not in title
    for reader in (("maker", "operator"), ("maker", "planner"), ("center", "site_quality")):
        theirs = browse(*reader).get(f"/orders/{labeled}/labels.pdf")
        assert theirs.status_code == 200
        assert person["family_name"] not in printed(theirs), reader


def test_no_page_names_the_patient_in_its_title_or_address(
    browse: Browse, labeled: str, person: dict[str, str], disclosed: None
) -> None:
    for path in ("", "steps/apply_labels/", "steps/labels/", "remanufacture/"):
        page = text_of(browse(*NURSE).get(f"/orders/{labeled}/{path}"))
        assert person["family_name"] not in page.split("</title>")[0], path
        assert not [link for link in page.split('href="')[1:] if person["family_name"] in link.split('"')[0]]


@pytest.mark.story("CR1")
@pytest.mark.parametrize("persona", ["courier_driver", "courier_dispatcher"])
def test_couriers_open_no_inner_label_and_no_certificate(
    browse: Browse, labeled: str, disclosed: None, persona: str
) -> None:
    courier = browse("courier", persona)
    assert courier.get(f"/orders/{labeled}/").status_code == 200, "the job itself is theirs"
    for document in ("labels.pdf", "labels.pdf?step=labels", "certificate.pdf", "dossier.zip"):
        assert courier.get(f"/orders/{labeled}/{document}").status_code == 404, document
