"""Migrations of what is stored."""

from importlib import import_module

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from sequin_admin.credentials.kinds import TokenGrant
from sequin_admin.credentials.models import Credential
from sequin_admin.tokens import grants
from sequin_admin.tokens.models import Token
from tests.factories import make_credential, make_oauth_app

lower_shops = import_module(
    "sequin_admin.credentials.migrations.0002_shops_in_lower_case"
).lower_shops


@pytest.fixture
def models_of_then(db):
    """The models as the migration is given them."""
    loader = MigrationLoader(connection)
    return loader.project_state(("credentials", "0002_shops_in_lower_case")).apps


def test_a_shop_is_one_account_whatever_its_case_was(organization, models_of_then):
    app = make_oauth_app(organization, "shopify")
    shops = ("SHOP-001.myshopify.com", "shop-002.myshopify.com", "Shop-002.myshopify.com")
    for shop in shops:
        row = make_credential(organization, "shopify_oauth2", oauth_app=app, identity=shop)
        row.properties = {"shop": shop}
        row.save()
        grants.store_grant(row, TokenGrant(f"access of {shop}", f"refresh of {shop}"))

    lower_shops(models_of_then, None)

    rows = Credential.objects.order_by("created_at")
    assert [(row.properties["shop"], row.identity) for row in rows] == [
        ("shop-001.myshopify.com", "shop-001.myshopify.com"),
        ("shop-002.myshopify.com", "shop-002.myshopify.com"),
        ("Shop-002.myshopify.com", "Shop-002.myshopify.com"),
    ]
    for row, shop in zip(rows, shops, strict=True):
        token = Token.objects.with_credential().get(pk=row.pk)
        assert row.secrets["refresh_token"] == f"refresh of {shop}"
        assert token.secrets["access_token"] == f"access of {shop}"
