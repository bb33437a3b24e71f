"""Rows for tests: a credential, a sync of its account, a target and a consumer."""

import pytest

from sequin_admin.syncs import consumers, syncs, targets
from tests.factories import make_credential

PASSWORD = "spice-must-flow-0123456789"
PLACE = {"host": "db.arrakis.test", "port": 5432, "database": "spice", "username": "sequin"}


@pytest.fixture
def credential(organization):
    return make_credential(organization, "stripe_key", name="Arrakis")


@pytest.fixture
def sync(credential, user):
    return syncs.create(credential, actor=user, name="Invoices", collection_ids=["stripe:invoice"])


@pytest.fixture
def target(organization, user):
    return targets.create(organization, actor=user, password=PASSWORD, name="Warehouse", **PLACE)


@pytest.fixture
def consumer(organization, user, target, sync):
    return consumers.create(
        organization, actor=user, name="To the warehouse", target=target, syncs=[sync]
    )
