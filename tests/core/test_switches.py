"""Threads of a web process let one another go on often."""

import sys
from types import SimpleNamespace

import pytest

from sequin_admin import gunicorn_config
from sequin_admin.gateway import background


@pytest.fixture
def worker(monkeypatch):
    """A process of the web server, whose background does not start."""
    before = sys.getswitchinterval()
    monkeypatch.setattr(background.Background, "start", lambda self: None)
    yield SimpleNamespace()
    sys.setswitchinterval(before)


def test_a_web_process_lets_its_threads_take_turns_ten_times_as_often_as_python(worker):
    gunicorn_config.post_worker_init(worker)

    assert sys.getswitchinterval() == pytest.approx(0.0005)
