"""What was typed goes back into a rendered form: into the right one, and never into what must be entered anew."""

from __future__ import annotations

from cgt.form_filling import filled

NOTE = "<p>note</p>"
PAGE = """<form method="get" action="/it/"><input name="q" value=""></form>
<form method="post" action="/it/"><input type="hidden" name="row" value="1"><input name="reason" value=""></form>
<form method="post" action="/it/" id="two"><input type="hidden" name="row" value="2">
<input type="hidden" name="once" value="new"><input name="reason" value="as &quot;proposed&quot;">
<textarea name="remark">
</textarea>
<select name="site"><option value="">None</option><option value="A" selected>A</option><option value="B">B</option>
</select>
<input type="radio" name="answer" value="yes" checked><input type="radio" name="answer" value="no">
<input type="checkbox" name="also" value="x"><input type="checkbox" name="also" value="y" checked>
<input type="password" name="pin"><input name="bag" data-scan value=""><input name="who" readonly value="me"></form>
<input name="late" form="two" value=""><input name="late" value="nobody's">"""
TYPED = {
    "row": ["2"],
    "reason": ['<b>"Fever"</b>'],
    "remark": ["two\nlines & <more>"],
    "site": ["B"],
    "answer": ["no"],
    "also": ["x"],
    "pin": ["1234"],
    "bag": ["CODE"],
    "who": ["somebody"],
    "late": ["yes"],
    "once": ["old"],
}


def shown(action: str = "/it/", **changes: list[str]) -> str:
    return filled(
        PAGE, "/page/", action, {name: text for name, text in TYPED.items() if name != "once"} | changes, NOTE
    )


def test_every_kind_of_field_takes_what_was_typed() -> None:
    page = shown()
    assert 'name="reason" value="&lt;b&gt;&quot;Fever&quot;&lt;/b&gt;"' in page
    assert '<textarea name="remark">\ntwo\nlines &amp; &lt;more&gt;</textarea>' in page
    assert '<option value="A">' in page and '<option value="B" selected>' in page
    assert 'value="yes">' in page and 'value="no" checked>' in page
    assert 'name="also" value="x" checked>' in page and 'name="also" value="y">' in page
    assert '<input name="late" form="two" value="yes">' in page and "nobody's" in page
    assert page.count(NOTE) == 1 and page.index(NOTE) > page.index('id="two"')


def test_only_the_form_with_the_same_hidden_fields_takes_it() -> None:
    first = shown(row=["1"])
    assert '<input type="hidden" name="row" value="1"><input name="reason" value="&lt;b&gt;' in first
    assert 'value="as &quot;proposed&quot;"' in first


def test_passwords_scans_and_what_is_fixed_stay_as_they_are() -> None:
    page = shown()
    assert '<input type="password" name="pin">' in page
    assert '<input name="bag" data-scan value="">' in page
    assert '<input name="who" readonly value="me">' in page
    assert 'name="once" value="new"' in page


def test_of_several_forms_to_one_address_the_one_that_asks_for_it_takes_it() -> None:
    page = f'<form method="post" action="/it/"><input name="find" value=""></form>{PAGE}'
    assert '<input name="find" value="">' in filled(page, "/page/", "/it/", TYPED | {"once": ["new"]}, NOTE)
    assert NOTE in filled(page, "/page/", "/it/", TYPED | {"once": ["new"]}, NOTE)


def test_a_page_without_that_form_comes_back_as_it_was() -> None:
    assert shown("/elsewhere/") == PAGE
    assert shown(row=["3"]) == PAGE


def test_a_form_without_an_action_goes_to_its_own_page() -> None:
    page = '<form method="post" class="x"><input name="reason" value=""></form>'
    assert 'value="typed"' in filled(page, "/page/", "/page/", {"reason": ["typed"]}, NOTE)
    assert filled(page, "/page/", "/other/", {"reason": ["typed"]}, NOTE) == page
