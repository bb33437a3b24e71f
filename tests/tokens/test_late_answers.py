"""A provider's answer that comes while the database is away is stored when it is back."""

import threading

import pytest
from django.db import OperationalError

from sequin_admin.credentials.models import Credential
from sequin_admin.tokens import grants, renewal
from sequin_admin.tokens.models import Token
from tests.patience import PATIENCE_S
from tests.tokens.test_processes import wait_until
from tests.worker.test_stop import airtable

__all__ = ["airtable"]


@pytest.mark.django_db(transaction=True)
def test_a_new_refresh_token_outlives_a_database_that_is_away(airtable, simulated, monkeypatch):
    store, tried, back = grants.store_grant, [], threading.Event()

    def store_grant(*args, **kwargs):
        tried.append(args)
        if not back.is_set():
            raise OperationalError("the database is away")
        return store(*args, **kwargs)

    monkeypatch.setattr(grants, "store_grant", store_grant)

    with pytest.raises(OperationalError):
        renewal.get_access_token(airtable)
    wait_until(lambda: len(tried) > 2)
    back.set()
    wait_until(lambda: Token.objects.get().version == 2)

    stored = Credential.objects.get(pk=airtable.pk).secrets["refresh_token"]
    assert stored != airtable.secrets["refresh_token"]
    assert renewal.get_access_token(airtable)
    tokens = [call for call in simulated.calls("airtable") if "v1/token" in call["endpoint"]]
    assert len(tokens) == 2
    for thread in threading.enumerate():
        if thread.name == "late answer":
            thread.join(PATIENCE_S)
