"""Streams: rules and what protects them from deletion."""

import threading

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from sequin_admin.access.models import Organization
from sequin_admin.syncs import streams, syncs
from sequin_admin.syncs.models import Stream


def test_a_sync_writes_to_no_stream_of_another_organization(credential):
    other = Organization.objects.create(name="Giedi Prime", slug="giedi-prime")
    theirs = streams.create(other, actor=None, slug="prod")

    with pytest.raises(ValidationError, match="no such stream") as raised:
        syncs.create(credential, actor=None, name="Invoices", stream=theirs)

    assert list(raised.value.message_dict) == ["stream_id"]


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_gets_the_slug(organization):
    said, together = [], threading.Barrier(4)

    def make():
        together.wait()
        try:
            streams.create(organization, actor=None, slug="prod")
        except ValidationError as error:
            said.extend(error.message_dict["slug"])
        finally:
            connection.close()

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Stream.objects.count() == 1
    assert said == ["There is a stream prod already. Choose another slug, or use that one."] * 3
