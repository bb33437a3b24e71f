"""Colours, support and privacy links of an organization: what may be saved, and the style sheet."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from sequin_admin.access.models import Branding, Organization
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor
from sequin_admin.core.contrast import LEAST, contrast, is_colour, text_colour_on
from sequin_admin.core.languages import LANGUAGES

COLOURS = ("accent", "accent_dark", "ground", "ground_dark")
FIELDS = (*COLOURS, "support", "privacy_url", "language")
# Of `app.css`, by theme: what stands where the organization has no colour, and what stands beside
# its colours. A test compares them.
OURS = {
    "light": {"accent": "#4338ca", "ground": "#f8fafc", "card": "#ffffff"},
    "dark": {"accent": "#b3bcff", "ground": "#0b1120", "card": "#111a2d"},
}
TEXTS = {
    "light": {"text": "#0f172a", "muted text": "#4b5a70"},
    "dark": {"text": "#e5eaf3", "muted text": "#9fb0c8"},
}
SUFFIX = {"light": "", "dark": "_dark"}


class BadBranding(ValueError):
    """Values that can't be saved. `fields` has a sentence for each."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = fields


def get_branding(organization: Organization) -> Branding:
    """The stored one, or an unsaved one with our defaults."""
    found = Branding.objects.filter(pk=organization.pk).first()
    return found or Branding(organization=organization)


@transaction.atomic
def save_branding(
    organization: Organization, values: Mapping[str, str], *, actor: AnyActor
) -> Branding:
    """Store `values`, of `FIELDS`; what is left out stays. Raises `BadBranding`."""
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    row = get_branding(organization)
    before = {name: getattr(row, name) for name in FIELDS}
    after = {**before, **{name: values[name].strip() for name in FIELDS if name in values}}
    after |= {name: after[name].lower() for name in COLOURS}
    refuse_bad_values(after)
    if after == before:
        return row
    for name, value in after.items():
        setattr(row, name, value)
    row.changed_at = clock.now()
    row.save()
    changed = [name for name in FIELDS if before[name] != after[name]]
    record_change(
        organization,
        "organization.branding_changed",
        actor,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )
    return row


def refuse_bad_values(values: Mapping[str, str]) -> None:
    """Raises `BadBranding`."""
    fields = dict(wrong_addresses(values))
    fields |= {name: NO_COLOUR for name in COLOURS if values[name] and not is_colour(values[name])}
    if values["language"] not in LANGUAGES:
        fields["language"] = f"Choose one of {', '.join(LANGUAGES)}."
    if not fields.keys() & set(COLOURS):
        fields |= faint_colours(values)
    if fields:
        raise BadBranding(fields)


NO_COLOUR = "Enter a colour as # and six hexadecimal digits, such as #1d4ed8, or nothing."


def wrong_addresses(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    support, privacy = values["support"], values["privacy_url"]
    if support and not (is_mail_address(support) or is_web_address(support, 254)):
        yield "support", "Enter one mail address, or an address that begins with https://."
    if privacy and not is_web_address(privacy, 500):
        yield "privacy_url", "Enter an address that begins with https://."


def is_mail_address(text: str) -> bool:
    """One address, without what a `mailto:` link would read as more than that."""
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= 254 and re.fullmatch(r"[^\s?&,;%\"<>]+", text) is not None


def is_web_address(text: str, most: int) -> bool:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    is_plain = re.fullmatch(r"https://[^\s\\\"'<>\x00-\x1f\x7f@]+", text) is not None
    return bool(host) and "." in str(host) and is_plain and len(text) <= most


def faint_colours(values: Mapping[str, str]) -> dict[str, str]:
    """A sentence for each colour that can't be read, or be read on: of its first such pair."""
    return {
        field: sentence
        for theme in reversed(OURS)
        for field, sentence in reversed([*faint_pairs(theme, values)])
    }


def faint_pairs(theme: str, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    accent_field, ground_field = f"accent{SUFFIX[theme]}", f"ground{SUFFIX[theme]}"
    ours = OURS[theme]
    accent, ground = values[accent_field] or ours["accent"], values[ground_field] or ours["ground"]
    if values[accent_field]:
        yield from judge(theme, accent_field, "links", accent, "card", ours["card"])
    if values[ground_field]:
        for words, colour in TEXTS[theme].items():
            yield from judge(theme, ground_field, words, colour, "page", ground)
    if values[accent_field] or values[ground_field]:
        field = accent_field if values[accent_field] else ground_field
        yield from judge(theme, field, "links", accent, "page", ground)


def judge(
    theme: str, field: str, words: str, colour: str, place: str, ground: str
) -> Iterator[tuple[str, str]]:
    ratio = contrast(colour, ground)
    if ratio < LEAST:
        # Rounded down: 4.49 is not 4.5.
        shown = int(ratio * 100) / 100
        way = "darker" if (theme == "light") == field.startswith("accent") else "lighter"
        yield (
            field,
            f"In the {theme} theme the {words} ({colour}) on the {place} ({ground}) have a "
            f"contrast of {shown:g}:1, and 4.5:1 is the least that people can read. Choose a "
            f"{way} colour.",
        )


def style_sheet(branding: Branding) -> str:
    """The CSS of customers' pages: variables of `app.css`, of checked colours only."""
    rules = []
    for name in ("accent", "ground"):
        light, dark = getattr(branding, name), getattr(branding, f"{name}_dark")
        if not (is_colour(light) or not light) or not (is_colour(dark) or not dark):
            continue
        if light or dark:
            rules += declarations(name, light, dark)
    return f":root {{ {' '.join(rules)} }}\n" if rules else ""


def declarations(name: str, light: str, dark: str) -> list[str]:
    """Without a colour in one theme, ours stands there."""
    if name == "ground":
        return [both("--surface", light or OURS["light"]["ground"], dark or OURS["dark"]["ground"])]
    on_light = text_colour_on(light) if light else "#ffffff"
    on_dark = text_colour_on(dark) if dark else "#ffffff"
    return [
        both("--accent", light or "#4f46e5", dark or "#5850ec"),
        both("--accent-hover", light or "#4338ca", dark or "#4f46e5"),
        both("--accent-text", light or OURS["light"]["accent"], dark or OURS["dark"]["accent"]),
        both("--on-accent", on_light, on_dark),
    ]


def both(variable: str, light: str, dark: str) -> str:
    return f"{variable}: light-dark({light}, {dark});"
