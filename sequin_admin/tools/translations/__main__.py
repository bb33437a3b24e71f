"""`python -m sequin_admin.tools.translations`: update the `.po` files and compile them."""

import os
from collections import defaultdict

import django

from sequin_admin.core.languages import ENGLISH, LANGUAGES
from sequin_admin.core.languages.catalogues import build_mo, path_of
from sequin_admin.tools.translations import po


def sources() -> dict[str, list[str]]:
    """Where each msgid stands."""
    from sequin_admin.tools.translations import kinds, sentences

    places = defaultdict[str, list[str]](list)
    for found in (sentences.in_templates(), sentences.in_code(), kinds.of_kinds()):
        for place, msgids in found.items():
            for msgid in msgids:
                places[msgid].append(place)
    return dict(places)


def compiled(text: str) -> bytes:
    """The `.mo` of a `.po`, without what is not translated."""
    return build_mo({msgid: said for msgid, said in po.read_po(text).items() if said})


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sequin_admin.settings")
    django.setup()
    wanted = sources()
    for language in LANGUAGES:
        if language == ENGLISH:
            continue
        path = path_of(language, "po")
        path.parent.mkdir(parents=True, exist_ok=True)
        known = po.read_po(path.read_text()) if path.exists() else {}
        text = po.write_po(language, wanted, known)
        path.write_text(text)
        path_of(language, "mo").write_bytes(compiled(text))
        missing = sum(1 for msgid in wanted if not known.get(msgid))
        print(f"{language}: {len(wanted)} messages, {missing} not translated")


if __name__ == "__main__":
    main()
