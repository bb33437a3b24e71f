"""What a process does not load, and that it can still be had."""

import json
import subprocess
import sys

from django.conf import settings

from tests.gateway.test_metrics import environment

LOADED = """
import json, sys
from sequin_admin.wsgi import application
unused = ("PIL", "django.test", "rich", "unittest")
loaded = [name for name in unused if name in sys.modules]
from django.test import Client, signals
print(json.dumps([loaded, signals is sys.modules["django.test.signals"], Client.__name__]))
"""


def test_a_web_process_loads_nothing_that_only_tests_and_rare_pages_need(db):
    done = subprocess.run(
        [sys.executable, "-c", LOADED],
        cwd=settings.BASE_DIR,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    loaded, is_whole, client = json.loads(done.stdout)
    assert loaded == []
    # Whoever wants the package later gets all of it.
    assert is_whole
    assert client == "Client"
