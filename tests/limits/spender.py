"""Load generator: processes that spend an API key's requests until they are refused.

Run as `python -m tests.limits.spender KEY PROCESSES`. Each process prints a line of JSON with the
number of granted requests per minute of the store's clock.
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
    while not quota.count_request(key).refused:
        granted[quota._budgets[key.pk].minute] += 1
    # One short write, so that lines of several processes do not mix.
    os.write(1, json.dumps(granted).encode() + b"\n")


def main():
    key, processes = ApiKey.objects.get(pk=sys.argv[1]), int(sys.argv[2])
    # The parent has a block already, which forked children must not share.
    quota.count_request(key)
    granted = Counter({quota._budgets[key.pk].minute: 1})
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
