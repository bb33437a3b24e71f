from django.db import migrations

from sequin_admin.core.operations import index_of_pairs, statistics_of_search


class Migration(migrations.Migration):
    dependencies = [
        ("credentials", "0004_secrets_digest"),
    ]

    operations = [
        index_of_pairs("credentials_credential"),
        index_of_pairs("credentials_oauthapp"),
        statistics_of_search("credentials_credential", "name", "identity"),
    ]
