"""The classes that kinds derive from. Proxies: no table, no permission."""

from django.db import migrations

PROXY = {"proxy": True, "default_permissions": (), "indexes": [], "constraints": []}


def base(name: str, parent: str = "credential") -> migrations.CreateModel:
    return migrations.CreateModel(name, [], PROXY, bases=(f"credentials.{parent}",))


class Migration(migrations.Migration):
    dependencies = [("credentials", "0002_shops_in_lower_case")]

    operations = [
        base("KeyKind"),
        base("PasswordKind"),
        base("ClientCredentialsKind"),
        base("OAuthKind"),
        base("AppInstallKind", "oauthkind"),
    ]
