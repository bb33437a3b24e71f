"""The WSGI application that gunicorn serves."""

import gc
import os
from importlib import import_module

import django
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sequin_admin.settings")
django.setup(set_prefix=False)

from sequin_admin.api.application import ApplicationHandler  # noqa: E402 - needs the apps above
from sequin_admin.core import checks, statement_limits, tracing  # noqa: E402
from sequin_admin.limits import limiter  # noqa: E402

application = ApplicationHandler()

statement_limits.limit_process(statement_limits.for_web())
tracing.start("web")
checks.log_proxy_risks()
checks.refuse_unusable_database()
limiter.log_risks()

# Modules loaded now, views and API included, stay for the life of the process. Freezing them keeps
# them out of garbage collections, each of which would delay a request by about 100 ms.
import_module(settings.ROOT_URLCONF)
gc.collect()
gc.freeze()
