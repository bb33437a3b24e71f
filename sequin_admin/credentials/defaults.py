"""What a kind has where its provider's file says nothing."""

import re
import sys

from sequin_admin.credentials.credential import Credential

ADDRESS = re.compile(r"https://[^\s)>\]]+")


def set_defaults(kind: type[Credential]) -> None:
    """Fill in the guide and the address of the documentation."""
    kind.guide = kind.guide or guide_of(kind)
    kind.docs_url = kind.docs_url or docs_url_of(kind)


def docs_url_of(kind: type[Credential]) -> str:
    """The first address in the docstring of the properties, the kind or its module."""
    declared = (kind.properties_class, kind, sys.modules[kind.__module__])
    found = (ADDRESS.search(vars(each).get("__doc__") or "") for each in declared)
    return next((address[0].rstrip(".,") for address in found if address), "")


def guide_of(kind: type[Credential]) -> tuple[str, ...]:
    """Steps that hold at every provider."""
    title, label = kind.provider_title, kind.label
    if kind.oauth:
        return (
            f"In {title} open the page of your apps and create one.",
            "Add the redirect URI shown here, and allow the scopes that you want to sync with.",
            "Copy client ID and client secret.",
        )
    declared = kind.properties_class
    entered = (n for n in declared.names() if not declared.options_of(n).get("read_only"))
    titles = [str(declared.model_fields[name].title) for name in entered]
    return (
        f"In {title} open the page with its {label}.",
        "Create one that may read what you want to sync.",
        f"Copy from there: {', '.join(titles)}.",
    )
