from django.db import migrations

from sequin_admin.core.operations import index_of_pairs


class Migration(migrations.Migration):
    dependencies = [
        ("credentials", "0004_secrets_digest"),
    ]

    operations = [
        index_of_pairs("credentials_credential"),
        index_of_pairs("credentials_oauthapp"),
    ]
