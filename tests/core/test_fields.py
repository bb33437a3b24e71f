"""EncryptedJSONField: secrets are never stored, shown or compared in plain text."""

import copy
import json
import pickle

import pytest
from cryptography.fernet import Fernet, MultiFernet
from django.core import serializers
from django.core.exceptions import FieldError
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F, Value

from sequin_admin.core import fields
from sequin_admin.core.fields import DecryptionError
from sequin_admin.credentials.models import Credential
from tests.factories import make_credential

SECRET = "sk_test_marker_9f3a"


@pytest.fixture
def credential(organization):
    return make_credential(organization, "stripe_key", properties={"secret": SECRET})


def stored(credential):
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets, id FROM credentials_credential")
        return {str(pk).replace("-", ""): text for text, pk in cursor.fetchall()}[credential.pk.hex]


def test_a_value_comes_back(credential):
    assert Credential.objects.get().secrets == {"secret": SECRET}


def test_the_column_holds_no_plain_text(credential):
    assert SECRET not in stored(credential)


def test_repr_and_str_show_names_only(credential):
    secrets = Credential.objects.get().secrets

    assert (SECRET in repr(secrets), SECRET in str(secrets)) == (False, False)
    assert "secret" in repr(secrets)


def test_bulk_update_keeps_the_secret(credential):
    credential.secrets = {"secret": "sk_test_new"}

    Credential.objects.bulk_update([credential], ["secrets"])

    assert Credential.objects.get().secrets == {"secret": "sk_test_new"}


def test_bulk_update_of_other_columns_keeps_the_secret(credential):
    credential.name = "Other"

    Credential.objects.bulk_update([credential], ["name", "secrets"])

    assert Credential.objects.get().secrets == {"secret": SECRET}


def test_bulk_create_keeps_the_secret(credential):
    copy = type(credential)(organization=credential.organization, name="Copy")
    copy.secrets = {"secret": "sk_test_copy"}

    Credential.objects.bulk_create([copy])

    assert Credential.objects.get(name="Copy").secrets == {"secret": "sk_test_copy"}


@pytest.mark.parametrize(
    "value", [F("name"), F("secrets"), Value("x"), "x", {"secret": "x"}], ids=str
)
def test_an_update_without_its_row_is_refused(credential, value):
    with pytest.raises(FieldError), transaction.atomic():
        Credential.objects.update(secrets=value)

    assert Credential.objects.get().secrets == {"secret": SECRET}


@pytest.mark.parametrize("lookup", ["secrets", "secrets__contains", "secrets__startswith"])
def test_searching_is_refused(credential, lookup):
    with pytest.raises(FieldError):
        Credential.objects.filter(**{lookup: "x"}).exists()


def test_a_wrong_key_is_loud(credential, monkeypatch):
    monkeypatch.setattr(fields, "CRYPTER", MultiFernet([Fernet(Fernet.generate_key())]))

    with pytest.raises(DecryptionError, match="FIELD_ENCRYPTION_KEY") as error:
        Credential.objects.get().secrets  # noqa: B018

    assert stored(credential) not in str(error.value)


def test_listing_with_a_wrong_key_still_works(credential, monkeypatch):
    monkeypatch.setattr(fields, "CRYPTER", MultiFernet([Fernet(Fernet.generate_key())]))

    assert Credential.objects.get().name == credential.name


def test_a_value_moved_to_another_row_does_not_open(credential, organization):
    other = make_credential(organization, "stripe_key", name="Other")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE credentials_credential SET secrets = %s", [stored(credential)])

    assert Credential.objects.get(pk=credential.pk).secrets == {"secret": SECRET}
    with pytest.raises(DecryptionError, match="sealed for another row"):
        Credential.objects.get(pk=other.pk).secrets  # noqa: B018


def test_a_kind_changed_behind_our_back_does_not_open(credential):
    Credential.objects.filter(pk=credential.pk).update(kind="sendgrid_key")

    with pytest.raises(DecryptionError):
        Credential.objects.get(pk=credential.pk).secrets  # noqa: B018


def test_ciphertext_that_somebody_pastes_stays_text(credential):
    pasted = stored(credential)
    credential.secrets = {"secret": pasted}
    credential.save()

    assert Credential.objects.get().secrets == {"secret": pasted}


def test_dumpdata_holds_ciphertext_and_loaddata_brings_it_back(credential, tmp_path):
    dump = tmp_path / "dump.json"
    call_command("dumpdata", "access", "credentials", output=str(dump))
    assert SECRET not in dump.read_text()
    Credential.objects.all().delete()

    call_command("loaddata", str(dump), verbosity=0)

    assert Credential.objects.get().secrets == {"secret": SECRET}


def test_a_dump_of_an_opened_row_holds_ciphertext_too(credential):
    assert credential.secrets

    dumped = json.loads(serializers.serialize("json", [credential]))

    assert SECRET not in json.dumps(dumped)


def test_a_pickled_row_holds_ciphertext_and_comes_back(credential):
    assert credential.secrets

    pickled = pickle.dumps(credential)

    assert SECRET.encode() not in pickled
    assert pickle.loads(pickled).secrets == {"secret": SECRET}


def test_a_copy_can_be_changed_by_itself(credential):
    copied = copy.deepcopy(credential)

    copied.secrets["secret"] = "sk_test_changed"

    assert (credential.secrets["secret"], copied.secrets["secret"]) == (SECRET, "sk_test_changed")


def test_an_order_by_secrets_opens_none(credential):
    """Sorting by ciphertext reveals nothing; the rows come back encrypted."""
    row = Credential.objects.order_by("secrets").get()

    assert isinstance(row.__dict__["secrets"], fields.Sealed)


def test_values_hands_out_no_plain_text(credential):
    (row,) = Credential.objects.values("secrets")

    assert SECRET not in f"{row}"


def test_deferred_secrets_are_loaded_when_asked_for(credential, django_assert_num_queries):
    row = Credential.objects.defer("secrets").get()

    with django_assert_num_queries(1):
        assert row.secrets == {"secret": SECRET}


def test_saving_an_unopened_row_stores_the_same_ciphertext(credential):
    before = stored(credential)

    Credential.objects.get().save(update_fields=["name"])

    assert stored(credential) == before


def test_refresh_from_db_forgets_what_was_set(credential):
    credential.secrets = {"secret": "sk_test_unsaved"}

    credential.refresh_from_db()

    assert credential.secrets == {"secret": SECRET}
