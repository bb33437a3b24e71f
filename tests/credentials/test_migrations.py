"""Migrations of what is stored."""

from importlib import import_module

from django.apps import apps

from sequin_admin.credentials.models import Credential
from tests.factories import make_credential, make_oauth_app

lower_shops = import_module(
    "sequin_admin.credentials.migrations.0002_shops_in_lower_case"
).lower_shops


def test_a_shop_is_one_account_whatever_its_case_was(organization):
    app = make_oauth_app(organization, "shopify")
    shops = ("SHOP-001.myshopify.com", "shop-002.myshopify.com", "Shop-002.myshopify.com")
    for shop in shops:
        row = make_credential(organization, "shopify_oauth2", oauth_app=app, identity=shop)
        Credential.objects.filter(pk=row.pk).update(properties={"shop": shop})

    lower_shops(apps, None)

    rows = Credential.objects.order_by("created_at")
    assert [(row.properties["shop"], row.identity) for row in rows] == [
        ("shop-001.myshopify.com", "shop-001.myshopify.com"),
        ("shop-002.myshopify.com", "shop-002.myshopify.com"),
        ("Shop-002.myshopify.com", "Shop-002.myshopify.com"),
    ]
