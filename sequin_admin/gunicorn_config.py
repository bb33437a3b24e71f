"""Settings of gunicorn that depend on ours. Those that don't are options of its command."""

from math import ceil

from sequin_admin.core import shutdown

# A web process renews tokens too, when a reader asks.
graceful_timeout = ceil(shutdown.GRACE_S)
