"""What mypy sees: the product and the simulator, which never run in one process, at once."""

from sequin_admin.settings import *  # noqa: F403
from sequin_admin.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "sequin_admin.simulator"]
