"""The WSGI application that gunicorn serves.

Loaded before its processes are forked (`--preload`), which share the memory of what is here: no
thread is started, and no connection to the database stays open.
"""

import gc
import os
from importlib import import_module

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sequin_admin.settings")
# What is loaded now, views and API included, stays for the life of the process: collections would
# find nothing and take a third of the start.
gc.disable()
try:
    django.setup(set_prefix=False)
except ImproperlyConfigured as error:
    raise SystemExit(str(error)) from None

from sequin_admin.api.application import ApplicationHandler  # noqa: E402 - needs the apps above
from sequin_admin.core import checks, statement_limits  # noqa: E402
from sequin_admin.limits import limiter  # noqa: E402

application = ApplicationHandler()

statement_limits.limit_process(statement_limits.for_web())
checks.log_proxy_risks()
checks.refuse_unusable_database()
limiter.log_risks()

import_module(settings.ROOT_URLCONF)
# Left out of collections from now on: each would delay a request by about 100 ms, and write to the
# memory that is shared.
gc.freeze()
gc.enable()
