"""Many processes that spend an API key's requests until they are refused:
`python -m tests.limits.spender KEY PROCESSES`.

Each prints a line of JSON: how many it was granted in each minute of the store's clock.
"""

import json
import os
import sys
from collections import Counter

import django

django.setup()

from django.db import connections  # noqa: E402

from sequin_admin.access.models import ApiKey  # noqa: E402
from sequin_admin.limits import quota  # noqa: E402


def spend_all(key, granted):
    while not quota.spend(key).refused:
        granted[quota._purses[key.pk].minute] += 1
    # One short write: lines of several processes do not mix.
    os.write(1, json.dumps(granted).encode() + b"\n")


def main():
    key, processes = ApiKey.objects.get(pk=sys.argv[1]), int(sys.argv[2])
    # The parent has a block already, of which its children must not take.
    quota.spend(key)
    granted = Counter({quota._purses[key.pk].minute: 1})
    connections.close_all()
    children = []
    for _ in range(processes - 1):
        if child := os.fork():
            children.append(child)
        else:
            spend_all(key, Counter())
            os._exit(0)
    spend_all(key, granted)
    sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))


main()
