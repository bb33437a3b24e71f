"""What a process does not load, and that it can still be had."""

import json
import subprocess
import sys

import pytest
from django.conf import settings

from tests.gateway.test_metrics import environment

WEB = "from sequin_admin.wsgi import application"
WORKER = """
import django
django.setup()
import sequin_admin.worker.management.commands.worker
"""
LOADED = """
import json, sys
unused = ("PIL", "cryptography.x509", "django.test", "joserfc", "requests", "rich", "unittest")
loaded = [name for name in unused if name in sys.modules]
from django.test import Client, signals
print(json.dumps([loaded, signals is sys.modules["django.test.signals"], Client.__name__]))
"""


@pytest.mark.parametrize("start", [WEB, WORKER], ids=["web", "worker"])
def test_a_process_loads_nothing_that_only_tests_and_rare_pages_and_calls_need(start, db):
    done = subprocess.run(
        [sys.executable, "-c", start + LOADED],
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
