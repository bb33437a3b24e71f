"""Imports credentials of any kind."""

from collections.abc import Callable
from typing import Any

import pytest

from sequin_admin.access.models import Organization, User
from sequin_admin.connect import credential_operations
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential


@pytest.fixture
def save(organization: Organization, user: User) -> Callable[..., Credential]:
    """Import properties as the form or the API does."""

    def save(kind: str, **properties: Any) -> Credential:
        declared = kinds.get(kind).properties_class
        parsed = declared.model_validate({"kind": kind, **properties})
        credential = credential_operations.save_credential(
            organization, parsed, actor=user
        ).credential
        return credential

    return save
