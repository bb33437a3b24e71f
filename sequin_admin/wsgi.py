"""The WSGI application that gunicorn serves."""

import gc
import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sequin_admin.settings")
application = get_wsgi_application()

from sequin_admin.core.checks import refuse_wrong_keys  # noqa: E402 - needs the apps above

refuse_wrong_keys()

# What is loaded now, pages and API included, stays. The collector need not go through it again
# and again: each time somebody would wait a tenth of a second for their answer.
import_module(settings.ROOT_URLCONF)
gc.collect()
gc.freeze()
