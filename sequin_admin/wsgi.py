"""The WSGI application that gunicorn serves.

Loaded before its processes are forked (`--preload`), which share the memory of what is here: no
thread is started, and no connection to the database stays open.
"""

import os
from importlib import import_module

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from sequin_admin.core.loading import loading

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sequin_admin.settings")
with loading():
    try:
        django.setup(set_prefix=False)
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from None
    # They need the apps.
    from sequin_admin.api.application import ApplicationHandler
    from sequin_admin.core import checks, statement_limits
    from sequin_admin.core.rehearsal import rehearse
    from sequin_admin.limits import limiter

    application = ApplicationHandler()
    import_module(settings.ROOT_URLCONF)

statement_limits.limit_process(statement_limits.for_web())
checks.log_proxy_risks()
checks.refuse_unusable_database()
limiter.log_risks()
rehearse(application)
