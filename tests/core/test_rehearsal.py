"""A web process has built a page before its first request, and nobody sees that it has."""

import json
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest

from sequin_admin.core import rehearsal
from tests.gateway.test_metrics import environment

LEFT = """
import json, threading
from sequin_admin.wsgi import application
from django.db import connection
from django.urls import get_resolver
from sequin_admin.core import metrics, rehearsal
left = {
    "routes": get_resolver()._populated,
    "counted": [*metrics.current_samples()],
    "connected": connection.connection is not None,
    "threads": threading.active_count(),
    "page": rehearsal.rehearse(application),
}
# One that asks the database.
rehearsal.PAGE = "/readyz"
left["asking"] = rehearsal.rehearse(application)
left["still connected"] = connection.connection is not None
print(json.dumps(left))
"""


def test_it_leaves_nothing_but_what_the_next_page_needs(db):
    done = subprocess.run(
        [sys.executable, "-c", LEFT],
        cwd=settings.BASE_DIR,
        env={**environment(), "DEBUG": "True"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout) == {
        "routes": True,
        "counted": [],
        "connected": False,
        "threads": 1,
        "page": "200 OK",
        "asking": "200 OK",
        "still connected": False,
    }
    assert done.stderr == ""


@pytest.mark.parametrize("hosts", [["*"], [".example.com"], ["admin.example.com", "b.example"]])
def test_its_host_is_one_that_we_answer(hosts, settings):
    settings.ALLOWED_HOSTS = hosts

    request = WSGIRequest(rehearsal.environ())

    assert request.get_host()
    assert request.is_secure()


def test_a_page_that_fails_ends_nothing(caplog):
    """As where nobody has collected the static files: the API needs none."""

    def failing(environ, start_response):
        raise ValueError("Missing staticfiles manifest entry for 'img/icon.png'")

    assert rehearsal.rehearse(failing) == ""

    assert "img/icon.png" in caplog.text
