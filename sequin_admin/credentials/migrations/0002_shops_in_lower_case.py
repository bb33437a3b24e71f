"""Shops were kept as they were written; now one shop is one account, whatever its case."""

from typing import Any

from django.db import migrations


def lower_shops(apps: Any, schema_editor: Any) -> None:
    """Leaves the later of two credentials of one shop and app as it is: both may be in use."""
    rows = apps.get_model("credentials", "Credential").objects.filter(kind="shopify_oauth2")
    for row in rows.order_by("created_at", "pk").only("properties", "identity", "oauth_app_id"):
        shop = str(row.properties.get("shop", ""))
        same = rows.filter(
            organization_id=row.organization_id,
            oauth_app_id=row.oauth_app_id,
            properties__shop=shop.lower(),
        )
        if shop == shop.lower() or same.exists():
            continue
        identity = row.identity and row.identity.replace(shop, shop.lower())
        rows.filter(pk=row.pk).update(
            properties={**row.properties, "shop": shop.lower()}, identity=identity
        )


class Migration(migrations.Migration):
    dependencies = [("credentials", "0001_initial")]

    operations = [migrations.RunPython(lower_shops, migrations.RunPython.noop)]
