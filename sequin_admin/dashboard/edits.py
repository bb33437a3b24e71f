"""Edit forms with which nobody overwrites somebody else's change unseen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from django import forms
from django.db import models, transaction
from django.forms import BoundField
from django.http import Http404, QueryDict

from sequin_admin.audit.models import Event, get_audit_type
from sequin_admin.core.concrete import concrete_model
from sequin_admin.core.digests import secret_key_digests
from sequin_admin.credentials.forms import AGAIN

SEEN, CHOICE = "seen", "choice-"
STORED, MINE = "stored", "mine"
# Behind the digest of a field for which the person has to choose.
UNDECIDED = "!"
DIGEST_CHARS, EVENTS = 20, 50
# Details of audit events that name a field otherwise than its form does.
AUDIT_NAMES = {
    "display_name": "name",
    "collections": "collection_ids",
    "others": "collection_ids",
    "allowed_requests": "rate_limit",
    "interval": "rate_limit",
    "max_concurrent_requests": "rate_limit",
    "days": "expires_at",
}
# Events with one of these, or with the name of the field, are of a change.
CHANGES = ("changed", "before", "after")


@dataclass(frozen=True)
class Conflict:
    """A field that somebody changed after the form was filled. `stored` and `mine` are for people;
    of a secret both are empty."""

    name: str
    label: str
    stored: str
    mine: str
    is_secret: bool
    # Whether the person had left the field as it was.
    untouched: bool
    # Whether the form did not say what it was filled with.
    is_blind: bool
    actor: str
    at: datetime | None

    @property
    def sentence(self) -> str:
        """For forms whose page shows nothing but the value as it is now."""
        if self.is_blind:
            return (
                f"{self.label} is {self.stored.lower()}, which the page may not have shown when "
                f"you chose {self.mine.lower()}. Nothing was saved. Choose once more if it should "
                "be yours."
            )
        by = f" by {self.actor}" if self.actor else ""
        at = f" at {self.at:%H:%M} UTC" if self.at else ""
        return (
            f"{self.label} was changed to {self.stored.lower()}{by}{at} while you chose "
            f"{self.mine.lower()}. Nothing was saved. Choose once more if it should be yours."
        )


class Edit:
    """The edit form of a row, with a keyed digest of each value that it was filled with.

    A form that comes without the digests, from an older page or a script, is blind: whatever it
    would change is a conflict.

    `build(row, data)` makes the form, bound to `data` unless it is None. Where a field is empty
    for another reason than an empty value, the form has a mapping: `kept` of stored secrets,
    `stands_for` of values that it does not show. Their fields, left as they are, keep the value.
    Audit events of the row are about `about`.
    """

    def __init__(
        self,
        row: models.Model,
        build: Callable[[Any, QueryDict | None], Any],
        data: QueryDict | None = None,
        about: models.Model | None = None,
    ) -> None:
        self.row, self.build, self.about = row, build, about or row
        self.stored = build(row, None)
        self.chosen = {f.name: data.get(CHOICE + f.name) for f in self.stored} if data else {}
        self.data = self.put_stored(data) if data else None
        self.form = build(row, self.data) if self.data else self.stored
        self.conflicts: list[Conflict] = []
        self.is_blind = bool(data and not data.get(SEEN))
        self.seen = read_digests(data.get(SEEN, "")) if data else self.digests()

    @property
    def status(self) -> int:
        return status_of(self.form, self)

    @property
    def seen_text(self) -> str:
        """The value of the hidden field."""
        return " ".join(f"{name}={digest}" for name, digest in self.seen.items())

    def save(self, write: Callable[[Any], object]) -> bool:
        """Call `write(row)` with the locked row, unless somebody changed what the form edits.

        Then returns False, with `conflicts`; the next form is about the values as they are now.
        Errors of `write` roll back what it did. Raises `Http404` when the row was deleted.
        """
        with transaction.atomic():
            row = (
                concrete_model(self.row)
                ._base_manager.select_for_update()
                .filter(pk=self.row.pk)
                .first()
            )
            if row is None:
                raise Http404("It was deleted meanwhile.")
            self.stored = self.build(row, None)
            self.conflicts = self.find_conflicts()
            if not self.conflicts:
                write(row)
                return True
        asked = {c.name: UNDECIDED for c in self.conflicts if not (c.is_secret or c.untouched)}
        self.seen = {n: digest + asked.get(n, "") for n, digest in self.digests().items()}
        self.ask_secrets_again()
        return False

    def digests(self) -> dict[str, str]:
        return {field.name: self.stored_digests(field)[0] for field in self.stored}

    def stored_digests(self, field: BoundField) -> list[str]:
        """Digests of the stored value, one for each key, as in `secret_key_digests()`."""
        hidden = hidden_values(self.stored)
        return self.digests_of(
            field.name, str(hidden[field.name]) if field.name in hidden else text_of(field)
        )

    def digests_of(self, name: str, text: str) -> list[str]:
        salt = f"{self.row._meta.label}:{self.row.pk}:{name}"
        return [digest[:DIGEST_CHARS] for digest in secret_key_digests(salt, text)]

    def find_conflicts(self) -> list[Conflict]:
        changed = [
            field.name
            for field in self.stored
            if self.is_changed(field) and not self.is_same(field)
        ]
        events = self.list_changes() if changed and not self.is_blind else []
        return [self.conflict(name, events) for name in changed]

    def is_changed(self, stored: BoundField) -> bool:
        """Whether another value is stored than the person saw, or chose between."""
        seen = self.seen.get(stored.name, "")
        if seen.endswith(UNDECIDED) and not self.chosen.get(stored.name):
            return True
        return seen.rstrip(UNDECIDED) not in self.stored_digests(stored)

    def is_same(self, stored: BoundField) -> bool:
        """Whether what was entered keeps what is stored, or is the same."""
        if text_of(self.form[stored.name]) == text_of(stored):
            return True
        return stored.name in hidden_values(self.stored) and not self.form.cleaned_data.get(
            stored.name
        )

    def conflict(self, name: str, events: list[Event]) -> Conflict:
        stored, mine = self.stored[name], self.form[name]
        secret = name in getattr(self.stored, "kept", {})
        key = AUDIT_NAMES.get(name, name)
        named = (e for e in events if key in e.details or key in e.details.get("changed", ()))
        others = (e for e in events if any(each in e.details for each in CHANGES))
        event = next(named, next(others, None))
        return Conflict(
            name,
            str(mine.label),
            "" if secret else label_of(stored),
            "" if secret else label_of(mine),
            secret,
            untouched=self.was_untouched(mine),
            is_blind=self.is_blind,
            actor=event.actor if event else "",
            at=event.at if event else None,
        )

    def was_untouched(self, mine: BoundField) -> bool:
        """Whether what was entered has the digest that the form was filled with."""
        seen = self.seen.get(mine.name, "").rstrip(UNDECIDED)
        return seen in self.digests_of(mine.name, text_of(mine))

    def list_changes(self) -> list[Event]:
        """The latest events about the row, newest first."""
        events = Event.objects.about(self.about).filter(target_type=get_audit_type(self.about))
        return list(events[:EVENTS])

    def put_stored(self, data: QueryDict) -> QueryDict:
        """The data with the stored value of each field for which the person chose it."""
        kept = [field for field in self.stored if self.chosen[field.name] == STORED]
        if not kept:
            return data
        data = data.copy()
        for field in kept:
            data.setlist(field.html_name, form_values(field))
        return data

    def ask_secrets_again(self) -> None:
        """What is never put into a page has to be entered again."""
        for field in self.form:
            widget = field.field.widget
            blank = field.name in getattr(self.stored, "kept", {}) or isinstance(
                widget, forms.PasswordInput | forms.FileInput
            )
            if blank and text_of(field) not in ("", "False") and not field.errors:
                self.form.add_error(field.name, AGAIN)


def status_of(form: forms.BaseForm, edit: Edit | None) -> int:
    """The status of the page with a form: of a new row, or of the `edit` of one."""
    if edit and edit.conflicts:
        return 409
    return 422 if form.errors else 200


def hidden_values(form: forms.BaseForm) -> Mapping[str, object]:
    return {**getattr(form, "kept", {}), **getattr(form, "stands_for", {})}


def read_digests(text: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in text.split())
    return {name: digest for name, _, digest in pairs}


def text_of(field: BoundField) -> str:
    """The value of a field, the same whether it is stored or entered."""
    value = field.value()
    if isinstance(value, list | tuple):
        return "\n".join(sorted(map(str, value)))
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return "" if value is None else str(value).replace("\r\n", "\n").strip()


def label_of(field: BoundField) -> str:
    """The value of a field for people."""
    choices = getattr(field.field, "choices", None)
    if choices is not None:
        value = field.value()
        values = value if isinstance(value, list | tuple) else [value]
        labels = {str(key): str(label) for key, label in choices}
        return ", ".join(labels.get(str(each), str(each)) for each in values if each is not None)
    if isinstance(field.field, forms.BooleanField):
        return "Yes" if field.value() else "No"
    return text_of(field)


def form_values(field: BoundField) -> list[str]:
    """What a browser sends of a field as it is filled."""
    value = field.value()
    if value is None or value is False:
        return []
    if isinstance(value, list | tuple):
        return [str(each) for each in value]
    return ["on" if value is True else str(value)]
