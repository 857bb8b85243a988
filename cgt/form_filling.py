"""Puts what was typed back into a rendered form, so that it works without script and with whichever form it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser

NEVER = frozenset({"hidden", "password", "file", "submit", "button", "image", "reset"})  # types of inputs
CHOSEN = frozenset({"checkbox", "radio"})
Values = Mapping[str, Sequence[str]]
_Edit = tuple[int, int, str]  # from, to, what stands there instead


@dataclass
class _Control:
    tag: str
    attributes: dict[str, str | None]
    start: int
    end: int  # of its start tag
    form: int | None  # position of the form around it
    select: _Control | None = None  # around an option
    closed: int = 0  # where the content of a text area ends

    @property
    def name(self) -> str:
        return (self.select or self).attributes.get("name") or ""

    @property
    def kind(self) -> str:
        return self.attributes.get("type") or "text"


@dataclass
class _Form:
    attributes: dict[str, str | None]
    end: int  # of its start tag
    hidden: dict[str, str] = field(default_factory=dict)


def filled(html: str, page: str, action: str, values: Values, note: str) -> str:
    """Return the page with ``values`` in the form that is sent to ``action`` and whose hidden fields say the same.

    ``page``: the page's own path, where a form without an action goes. ``note``: what is shown at the top of the form.
    Scans, passwords, files and what cannot be changed stay as they are. The page comes back as it was when it holds no
    such form.
    """
    reader = _Reader(html)
    fit = [
        place
        for place, form in enumerate(reader.forms)
        if form.attributes.get("method") == "post"
        and (form.attributes.get("action") or page).partition("?")[0] == action
        and _same(form.hidden, values)
    ]
    made = [(reader.edits(place, values), reader.forms[place].end) for place in fit]
    edits, top = max(made, key=lambda found: len(found[0]), default=([], 0))  # several forms may go to one address
    return _with(html, edits, top, note) if edits else html


def _same(hidden: Mapping[str, str], values: Values) -> bool:
    """Whether the hidden fields that were sent too are alike: they tell the forms of one address apart."""
    return all(hidden[name] in values[name] for name in hidden if name in values)


def _with(html: str, edits: list[_Edit], top: int, note: str) -> str:
    for start, end, text in sorted([*edits, (top, top, note)], reverse=True):
        html = html[:start] + text + html[end:]
    return html


class _Reader(HTMLParser):
    """Finds the forms of a page and their controls, each with its place in the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[_Form] = []
        self.controls: list[_Control] = []
        self._open: int | None = None
        self._select: _Control | None = None
        self._lines = [0]
        for line in html.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)
        self.feed(html)
        self.close()

    def _here(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        start, attributes = self._here(), dict(attrs)
        end = start + len(self.get_starttag_text() or "")
        if tag == "form":
            self._open = len(self.forms)
            self.forms.append(_Form(attributes, end))
        elif tag in ("input", "select", "textarea", "option"):
            select = self._select if tag == "option" else None
            control = _Control(tag, attributes, start, end, self._open, select)
            self.controls.append(control)
            self._select = control if tag == "select" else self._select
            if control.kind == "hidden" and self._open is not None:
                self.forms[self._open].hidden[control.name] = attributes.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea" and self.controls:
            self.controls[-1].closed = self._here()

    def edits(self, form: int, values: Values) -> list[_Edit]:
        """Return (start, end, text) for each control of the form that takes what was typed."""
        identity, left = self.forms[form].attributes.get("id"), {name: list(kept) for name, kept in values.items()}
        made = []
        for control in self.controls:
            owner = (control.select or control).attributes.get("form")
            if (control.form != form if owner is None else owner != identity) or not _takes(control):
                continue
            made += _edit(control, left)
        return made


def _takes(control: _Control) -> bool:
    fixed = {"data-scan", "readonly", "disabled"} & set((control.select or control).attributes)
    return bool(control.name) and not fixed and control.kind not in NEVER


def _edit(control: _Control, left: dict[str, list[str]]) -> list[_Edit]:
    kept, attributes = left.get(control.name, []), dict(control.attributes)
    if control.tag == "option" or control.kind in CHOSEN:
        mark = "selected" if control.tag == "option" else "checked"
        if control.tag == "option" and control.name not in left:
            return []
        attributes.pop(mark, None)
        if (attributes.get("value") or "") in kept:
            attributes[mark] = None
    elif control.tag == "select" or not kept:
        return []
    elif control.tag == "textarea":
        return [(control.end, control.closed, f"\n{escape(kept.pop(0), quote=False)}")]
    else:
        attributes["value"] = kept.pop(0)
    words = [name if value is None else f'{name}="{escape(value)}"' for name, value in attributes.items()]
    return [(control.start, control.end, f"<{control.tag} {' '.join(words)}>")]
