"""Which requests of a web process begin: a few at once, in their order, and none waits for one that
waits itself."""

import selectors
import socket
from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger
from hypothesis import given
from hypothesis import strategies as st

from sequin_admin.core.admission import YOUNG_S, Admission
from sequin_admin.gunicorn_worker import BufferingWorker

AT_ONCE = 3
# What happens, one after the other: a request arrives, the oldest of those that work ends, or time
# passes.
HAPPENS = st.lists(st.sampled_from(["arrives", "ends", "a bit passes", "much passes"]))


@given(HAPPENS)
def test_all_begin_in_their_order_and_few_at_once(happens):
    admission, now, arrived, begun = Admission[int](AT_ONCE), 0.0, 0, list[int]()
    for each in happens:
        if each == "arrives":
            admission.waiting.append(arrived)
            arrived += 1
        elif each == "ends" and admission.begun:
            admission.end(next(iter(admission.begun)))
        now += {"a bit passes": YOUNG_S / 3, "much passes": YOUNG_S}.get(each, 0)
        begun += admission.admit(now)

        young = [at for at in admission.begun.values() if now - at < YOUNG_S]
        assert len(young) <= AT_ONCE
        assert not admission.waiting or len(young) == AT_ONCE
        assert begun == [*range(len(begun))]
        assert len(begun) + len(admission.waiting) == arrived


def test_who_waits_keeps_nobody_waiting():
    admission = Admission[str](AT_ONCE)
    admission.waiting.extend([*(f"waits {number}" for number in range(AT_ONCE)), "next"])

    assert "next" not in [*admission.admit(now=0)]
    assert [*admission.admit(now=YOUNG_S)] == ["next"]


def test_who_ends_makes_room():
    admission = Admission[str](AT_ONCE)
    admission.waiting.extend([*(f"ends {number}" for number in range(AT_ONCE)), "next"])
    first, *_ = admission.admit(now=0)

    admission.end(first)

    assert [*admission.admit(now=0)] == ["next"]


class Poller(selectors.DefaultSelector):
    """Says for how long it was to wait, and does not."""

    timeout = None

    def select(self, timeout=None):
        self.timeout = timeout
        return super().select(0)


class Connection:
    def __init__(self, sock):
        self.sock = sock


@pytest.fixture
def worker():
    worker = object.__new__(BufferingWorker)
    worker.admission, worker.poller, worker.closing = Admission(1), Poller(), {}
    worker.cfg = SimpleNamespace(is_ssl=False)
    yield worker
    worker.poller.close()


def test_as_many_work_at_once_as_a_process_has_threads():
    cfg = Config()
    cfg.set("threads", 3)

    worker = BufferingWorker(0, 0, [], None, 30, cfg, Logger(cfg))
    worker.tmp.close()

    assert worker.admission.at_once == 3


def test_the_main_loop_looks_again_as_soon_as_who_works_is_young_no_more(worker):
    worker.wait_for_and_dispatch_events(1.0)
    assert worker.poller.timeout == 1.0

    worker.admission.at_once = 0
    worker.admission.waiting.append("next")
    worker.wait_for_and_dispatch_events(1.0)
    assert worker.poller.timeout == YOUNG_S


def test_the_worker_forgets_who_has_ended(worker):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection, answered = Connection(ours), Future[bool]()
        worker.admission.begun[connection] = 0.0
        answered.set_result(False)

        worker.finish_request(connection, answered)

    assert not worker.admission.begun
