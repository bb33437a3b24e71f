"""What customers read is there in all languages, and stored sentences are found again."""

import re

import pytest
from django.utils.translation import override

from sequin_admin.core.languages import LANGUAGES, choose_language
from sequin_admin.core.languages.catalogues import path_of, read_mo
from sequin_admin.core.languages.sentences import translate
from sequin_admin.tools.translations import po
from sequin_admin.tools.translations.catalogues import TRANSLATED, compiled, sources

PLACEHOLDER = re.compile(r"\{\w+\}|</?\w+>")


@pytest.fixture(scope="module")
def msgids():
    return set(sources())


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_msgid_has_its_translation(language, msgids):
    """None is missing, fuzzy or left over; `manage.py translations` finds the new ones."""
    known = po.read_po(path_of(language, "po").read_text())
    del known[""]

    assert {msgid for msgid in msgids if not known.get(msgid)} == set()
    assert known.keys() - msgids == set()


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_placeholders_of_its_msgid(language):
    known = po.read_po(path_of(language, "po").read_text())
    del known[""]
    wrong = {m for m, t in known.items() if sorted(found(m)) != sorted(found(t))}

    assert wrong == set()


def found(text):
    return set(PLACEHOLDER.findall(text)) | {f"{text.count('{link}')} links"}


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_compiled_file_is_behind(language):
    mo = path_of(language, "mo").read_bytes()

    assert mo == compiled(path_of(language, "po").read_text())
    assert "charset=UTF-8" in read_mo(mo)[""]


def test_a_fuzzy_entry_counts_as_missing():
    text = '#, fuzzy\nmsgid "Copy"\nmsgstr "Kopieren"\n\nmsgid "Copied"\nmsgstr "Kopiert"'

    assert po.read_po(text) == {"Copy": "", "Copied": "Kopiert"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Privacy", "Datenschutz"),
        (
            "Access was denied at HubSpot, so nothing was connected. If that was a mistake, start "
            "again and choose Allow.",
            "Der Zugriff wurde bei HubSpot abgelehnt; daher wurde nichts verbunden. War das ein "
            "Versehen, beginnen Sie neu und wählen Sie „Erlauben“ (Allow).",
        ),
        (
            "This link ended on 3 November 2026, 14:05 UTC. Ask Arrakis for a new one if you need "
            "it.",
            "Dieser Link lief am 3. November 2026, 14:05 UTC ab. Bitten Sie Arrakis um einen "
            "neuen, wenn Sie ihn brauchen.",
        ),
        ("Private key is missing. Enter it as the provider shows it.", "Privater Schlüssel fehlt."),
        ("Salt and pepper", "Salt and pepper"),
        ("What a provider said of its own.", "What a provider said of its own."),
        ("{0.__class__} answered {1}.", "{0.__class__} answered {1}."),
    ],
)
def test_a_stored_sentence_is_read_in_another_language(text, told):
    with override("de"):
        assert translate(text).startswith(told)
    with override("en"):
        assert translate(text) == text


@pytest.mark.parametrize(
    ("wanted", "accepted", "chosen"),
    [
        (("", "ja"), "de", "ja"),
        (("", ""), "pt;q=0.9, de-AT;q=0.8, fr;q=0.9", "fr"),
        (("xx",), "pt", "en"),
        ((), "*", "en"),
        ((), "\0" * 9000, "en"),
    ],
)
def test_the_language_is_that_of_the_link_then_of_the_browser(wanted, accepted, chosen):
    assert choose_language(*wanted, accepted=accepted) == chosen
    assert chosen in LANGUAGES
