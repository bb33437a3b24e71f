"""The WSGI application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sequin_admin.settings")
application = get_wsgi_application()

from sequin_admin.core.checks import refuse_wrong_keys  # noqa: E402 - needs the apps above

refuse_wrong_keys()
