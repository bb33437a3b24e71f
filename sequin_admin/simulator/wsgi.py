"""The simulator's WSGI application. Creates, migrates and seeds its database."""

import os
from pathlib import Path

import django
from django.core.management import call_command
from django.db import connection

from sequin_admin.core.loading import loading

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sequin_admin.simulator.settings")
with loading():
    django.setup(set_prefix=False)
    # They need the apps.
    from sequin_admin.simulator import seed
    from sequin_admin.simulator.bodies import PlainBodyHandler
    from sequin_admin.simulator.webhooks import sending

Path(connection.settings_dict["NAME"]).parent.mkdir(parents=True, exist_ok=True)
call_command("migrate", verbosity=0)
seed.plant()
sending.start()
connection.close()
application = PlainBodyHandler()
