"""How many requests of a web process may wait for a permit or a run, each in a thread of its own.

The web server knows it before Django is set up.
"""

from sequin_admin.core.env import env

LONG_POLLS = env.int("LONG_POLLS", default=5)
