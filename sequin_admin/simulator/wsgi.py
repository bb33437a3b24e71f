"""The simulator's WSGI application. Creates, migrates and seeds its database."""

import gc
import os
from pathlib import Path

import django
from django.core.management import call_command
from django.db import connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sequin_admin.simulator.settings")
gc.disable()
django.setup(set_prefix=False)

from sequin_admin.simulator import seed  # noqa: E402 - needs the apps above
from sequin_admin.simulator.bodies import PlainBodyHandler  # noqa: E402
from sequin_admin.simulator.webhooks import sending  # noqa: E402

Path(connection.settings_dict["NAME"]).parent.mkdir(parents=True, exist_ok=True)
call_command("migrate", verbosity=0)
seed.plant()
sending.start()
connection.close()
application = PlainBodyHandler()
gc.freeze()
gc.enable()
