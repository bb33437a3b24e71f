"""Indexes of the orders in which links are listed, by themselves and among all that ends."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connect", "0010_fill_search_text")]

    operations = [
        migrations.AddIndex(
            model_name="connectlink",
            index=models.Index(fields=["organization", "name", "id"], name="link_name"),
        ),
        migrations.AddIndex(
            model_name="connectlink",
            index=models.Index(
                fields=["organization", "expires_at", "id"], name="link_order_of_ends"
            ),
        ),
    ]
