from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("health", "0006_expiry_notices")]

    operations = [migrations.DeleteModel(name="EndNotice")]
