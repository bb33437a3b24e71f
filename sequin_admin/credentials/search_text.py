"""What a credential is found by: see `access/models/search_texts.py`."""

from typing import Any, ClassVar
from uuid import UUID

from django.apps import apps
from django.db import models

from sequin_admin.access.models import RowText, SearchedRow, search_texts
from sequin_admin.core.search_text import join_texts, leaves


class SearchText(RowText):
    """The words of one credential."""

    credential = models.OneToOneField(
        "credentials.Credential", models.CASCADE, primary_key=True, related_name="search"
    )


class SearchedCredential(SearchedRow):
    """A credential as it is found."""

    searched_columns: ClassVar[tuple[str, ...]] = ("name", "identity", "properties", "metadata")

    class Meta:
        abstract = True

    @classmethod
    def search_text_of(cls, pk: UUID, columns: dict[str, Any]) -> str:
        """Name, account, our id, and the values of properties and metadata. Lists of properties,
        such as scopes, are left out: all accounts of a provider have them in common."""
        named = (value for value in columns["properties"].values() if isinstance(value, str | int))
        account = (value for value in named if not isinstance(value, bool))
        found = (columns["name"], columns["identity"] or "", str(pk), *account)
        return join_texts((*found, *leaves(columns["metadata"])))


def write_search_texts(
    rows: models.QuerySet[models.Model], table: type[models.Model] = SearchText
) -> None:
    """Make the texts of these credentials, few enough for one statement."""
    search_texts.write_search_texts(apps.get_model("credentials", "Credential"), rows, table)
