"""What is posted becomes inputs, and what is wrong with it finds its way back to the field."""

from django.http import QueryDict

from orders.flow import kind_of
from orders.forms import Filling, described, flat, in_place, optional_lists, path_of, without_blank_rows


def test_blank_rows_are_left_out_and_the_others_move_up() -> None:
    posted = QueryDict("bags[0]scan=&bags[0]note=&bags[1]scan=A&bags[2]scan=B&other=x")
    kept, places = without_blank_rows(posted)
    assert kept["bags[0]scan"] == "A" and kept["bags[1]scan"] == "B"
    assert "bags[2]scan" not in kept
    assert kept["other"] == "x"
    assert places == {"bags": [1, 2]}


def test_one_row_stays_even_when_all_are_blank() -> None:
    kept, places = without_blank_rows(QueryDict("bags[0]scan=&bags[1]scan="))
    assert kept["bags[0]scan"] == ""
    assert places == {"bags": [0]}


def test_no_row_stays_of_a_list_that_may_be_empty() -> None:
    kept, places = without_blank_rows(QueryDict("bags[0]volume_ml=&result=terminated"), {"bags"})
    assert dict(kept.items()) == {"result": "terminated"}
    assert places == {"bags": []}


def test_rows_of_an_optional_list_do_not_stop_the_browser() -> None:
    inputs = kind_of("finish_manufacture").Inputs()
    fields = described(inputs, Filling("Europe/Berlin", {"bags": [{"volume_ml": ""}]}))
    (bags,) = (field for field in fields if field["name"] == "bags")
    (volume,) = bags["entries"][0]["fields"]
    assert (volume["required"], volume["needed"]) == (False, True)
    assert optional_lists(inputs) == {"bags"}
    assert [field["name"] for field in described(kind_of("close_order").Inputs(), Filling("UTC"))] == ["remark"]


def test_rows_are_added_only_where_something_may_come_to_what_is_there() -> None:
    """At a receipt a bag that nobody expected may lie in the box; what is packed or thawed is known."""
    for kind, more in (("pack", None), ("prepare_product", None), ("receive_product", 3), ("receive_material", 3)):
        two = Filling("UTC", {"bags": [{"scan": ""}, {"scan": ""}]})
        bags = next(field for field in described(kind_of(kind).Inputs(), two) if field["name"] == "bags")
        assert (len(bags["entries"]), bags["more"], bags["fewer"]) == (2, more, 1), kind
    made = described(kind_of("finish_manufacture").Inputs(), Filling("UTC", {"bags": [{"volume_ml": ""}]}))
    assert next(field for field in made if field["name"] == "bags")["more"] == 2


def test_a_page_that_stays_open_while_the_work_goes_on_takes_the_later_time() -> None:
    fields = {field["name"]: field for field in described(kind_of("hand_over").Inputs(), Filling("Europe/Berlin"))}
    assert fields["handed_over_at"]["type"] == "datetime"
    assert "max" not in fields["handed_over_at"], (
        "the server knows what is still to come; the page's own clock stood still"
    )


def test_what_a_row_is_about_does_not_make_it_filled() -> None:
    kept, places = without_blank_rows(QueryDict("results[0]test=a&results[0]value=&results[1]test=b&results[1]value=7"))
    assert (kept["results[0]test"], places) == ("b", {"results": [1]})


def test_errors_go_back_to_the_rows_of_the_page() -> None:
    errors = flat({"results": [{"value": ["Too much."]}], "signature": {"password": ["No."]}})
    assert errors == {"results[0].value": ["Too much."], "signature.password": ["No."]}
    assert in_place(errors, {"results": [3]}) == {"results[3].value": ["Too much."], "signature.password": ["No."]}


def test_errors_of_serializers_and_of_refusals_share_a_notation() -> None:
    assert flat({"bags[1].scan": ["Unreadable."]}) == {"bags[1].scan": ["Unreadable."]}
    assert flat({"bags": {"non_field_errors": ["Too few."]}, "non_field_errors": ["Odd."]}) == {
        "bags": ["Too few."],
        "": ["Odd."],
    }
    assert path_of("bags[1]scan") == "bags[1].scan"
    assert path_of("signature.password") == "signature.password"


def test_a_label_that_says_when_it_is_needed_is_not_called_optional_too() -> None:
    asked = {field["name"]: field for field in described(kind_of("confirm_slots").Inputs(), Filling("UTC"))}
    assert (asked["reason"]["required"], asked["reason"]["needed"]) == (False, True)
    remark = described(kind_of("close_order").Inputs(), Filling("UTC"))[0]
    assert not remark["needed"]
