"""A precompiled query gives the same results as Django's."""

from uuid import uuid4

import pytest
from django.db.models import UUIDField

from sequin_admin.core.prepared import PreparedQuery
from sequin_admin.credentials.models import Credential
from sequin_admin.tokens.models import Token
from tests.factories import make_credential


def rows(pk):
    return Credential.objects.filter(pk=pk).select_related("token")


@pytest.fixture
def prepared():
    return PreparedQuery(rows, {"pk": (UUIDField(), uuid4())})


def test_a_row_is_the_same_as_djangos_with_what_was_joined(prepared, organization):
    stored = make_credential(organization, "hubspot_oauth2")
    Token.objects.create(credential=stored, version=1, secrets={"access_token": "spice"})

    found, wanted = prepared.first(pk=stored.pk), rows(stored.pk).get()

    names = [field.attname for field in Credential._meta.concrete_fields]
    assert type(found) is type(wanted)
    assert [getattr(found, n) for n in names] == [getattr(wanted, n) for n in names]
    assert found.token.secrets == {"access_token": "spice"}


def test_what_is_not_there_is_none(prepared, organization, django_assert_num_queries):
    stored = make_credential(organization, "stripe_key")

    with django_assert_num_queries(2):
        assert not hasattr(prepared.first(pk=stored.pk), "token")
        assert prepared.first(pk=uuid4()) is None


def test_each_run_has_its_own_values(prepared, organization):
    first, second = (make_credential(organization, k) for k in ("stripe_key", "sendgrid_key"))

    assert [prepared.first(pk=c.pk).pk for c in (first, second, first)] == [
        first.pk,
        second.pk,
        first.pk,
    ]
