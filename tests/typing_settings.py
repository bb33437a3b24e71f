"""Settings for mypy: the product and the simulator together, which never share a process."""

from sequin_admin.settings import *  # noqa: F403
from sequin_admin.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "sequin_admin.simulator"]
