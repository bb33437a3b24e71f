"""The product's settings, and the app that puts the fault into it."""

from sequin_admin.settings import *  # noqa: F403
from sequin_admin.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.tools.faulty.apps.Faulty"]
