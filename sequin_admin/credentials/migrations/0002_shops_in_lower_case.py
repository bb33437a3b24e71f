"""Shops were kept as they were written; now one shop is one account, whatever its case.

The shop is where the secrets are sent, so they and the token are encrypted for it again.
"""

import json
from typing import Any

from django.db import migrations

from sequin_admin.core.fields import DecryptionError, Sealed, bind_secrets, seal_secrets


def lower_shops(apps: Any, schema_editor: Any) -> None:
    """Leaves the later of two credentials of one shop and app as it is, as both may be in use, and
    what no key opens."""
    tokens = apps.get_model("tokens", "Token").objects.only("secrets")
    rows = apps.get_model("credentials", "Credential").objects.filter(kind="shopify_oauth2")
    for row in rows.order_by("created_at", "pk"):
        shop = str(row.properties.get("shop", ""))
        lower = shop.lower()
        same = rows.filter(
            organization_id=row.organization_id,
            oauth_app_id=row.oauth_app_id,
            properties__shop=lower,
        )
        if shop == lower or same.exists():
            continue
        token = tokens.filter(credential_id=row.pk).first()
        try:
            secrets = resealed(row, row_of_secrets(row, shop), row_of_secrets(row, lower))
            access = token and resealed(token, row_of_token(row, shop), row_of_token(row, lower))
        except DecryptionError:
            continue
        rows.filter(pk=row.pk).update(
            properties={**row.properties, "shop": lower},
            identity=row.identity and row.identity.replace(shop, lower),
            secrets=secrets,
        )
        if access:
            tokens.filter(credential_id=row.pk).update(secrets=access)


def row_of_secrets(row: Any, shop: str) -> str:
    bound = [str(row.organization_id), str(row.pk), row.kind, f"shop={shop}"]
    return f"credential:{json.dumps(bound)}"


def row_of_token(row: Any, shop: str) -> str:
    bound = [str(row.pk), f"{row.organization_id} {row.kind} shop={shop}"]
    return f"token:{json.dumps(bound)}"


def resealed(row: Any, before: str, after: str) -> Sealed:
    """The row's secrets, encrypted for `after`. Raises `DecryptionError`."""
    return Sealed(seal_secrets(bind_secrets(dict(row.__dict__["secrets"].open(before)), after)))


class Migration(migrations.Migration):
    dependencies = [("credentials", "0001_initial"), ("tokens", "0001_initial")]

    operations = [migrations.RunPython(lower_shops, migrations.RunPython.noop)]
