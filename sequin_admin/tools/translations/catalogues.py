"""Brings the `.po` files up to date with the code, and compiles them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from sequin_admin.core.languages import ENGLISH, LANGUAGES
from sequin_admin.core.languages.catalogues import build_mo, path_of
from sequin_admin.tools.translations import kinds, po, sentences

# Those that have catalogues.
TRANSLATED = tuple(code for code in LANGUAGES if code != ENGLISH)


def sources() -> dict[str, list[str]]:
    """Where each msgid stands."""
    places = defaultdict[str, list[str]](list)
    for found in (sentences.in_templates(), sentences.in_code(), kinds.of_kinds()):
        for place, msgids in found.items():
            for msgid in msgids:
                places[msgid].append(place)
    said_otherwise = {msgid for msgid in places if is_said_by_another(msgid, places)}
    return {msgid: where for msgid, where in places.items() if msgid not in said_otherwise}


def is_said_by_another(msgid: str, places: Iterable[str]) -> bool:
    """Whether the msgid is another one with the name of a provider: `{provider} refuses ...`."""
    for provider in kinds.provider_titles():
        general = msgid.replace(provider, "{provider}", 1)
        if msgid.startswith(provider) and general in places:
            return True
    return False


def compiled(text: str) -> bytes:
    """The `.mo` of a `.po`, without what is not translated."""
    return build_mo({msgid: said for msgid, said in po.read_po(text).items() if said})


def update() -> Iterator[str]:
    """Write all files. Yields a line for each language."""
    wanted = sources()
    for language in TRANSLATED:
        path = path_of(language, "po")
        path.parent.mkdir(parents=True, exist_ok=True)
        known = po.read_po(path.read_text()) if path.exists() else {}
        text = po.write_po(language, wanted, known)
        path.write_text(text)
        path_of(language, "mo").write_bytes(compiled(text))
        missing = sum(1 for msgid in wanted if not known.get(msgid))
        yield f"{language}: {len(wanted)} messages, {missing} not translated"
