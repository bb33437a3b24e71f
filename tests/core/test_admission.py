"""Which requests of a web process begin: a few at once, in their order, and none waits for one that
waits itself. Those that take long make way for short ones, for a while."""

import selectors
import socket
import time
from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import TConn
from hypothesis import given
from hypothesis import strategies as st

from sequin_admin import gunicorn_config
from sequin_admin.core.admission import LATELY_S, LONGEST_S, YOUNG_S, Admission, use_in_process
from sequin_admin.core.arrivals import Arrival
from sequin_admin.core.long_answers import LONG_BYTES, MOST_TARGETS, LongAnswers, target_of
from sequin_admin.gunicorn_worker import BufferingWorker
from tests.factories import make_credential

AT_ONCE = 3
# What happens, one after the other: a request arrives, the oldest of those that work ends, or time
# passes.
HAPPENS = st.lists(
    st.sampled_from(["short", "long", "ends", "a bit passes", "much passes", "very much passes"])
)
PASSES = {"a bit passes": YOUNG_S / 3, "much passes": YOUNG_S, "very much passes": LONGEST_S}


@given(HAPPENS)
def test_all_begin_in_their_order_and_few_at_once(happens):
    admission, now, came_at = Admission[str](AT_ONCE), 0.0, dict[str, float]()
    arrived, begun = {"short": list[str](), "long": list[str]()}, list[str]()
    for each in happens:
        if each in arrived:
            arrived[each].append(f"{each} {len(arrived[each])}")
            came_at[arrived[each][-1]] = now
            admission.arrive(arrived[each][-1], now, is_long=each == "long")
        elif each == "ends" and admission.begun:
            admission.end(next(iter(admission.begun)))
        now += PASSES.get(each, 0)
        begin = [*admission.admit(now)]
        begun += begin

        for name in begin:
            before = LONGEST_S if name.startswith("long") else -LONGEST_S
            others = admission.short if name.startswith("long") else admission.long
            assert all(came_at[name] + before <= at for _, at in others)
        young = [at for at in admission.begun.values() if now - at < YOUNG_S]
        assert len(young) <= AT_ONCE
        # Places are kept free only by long ones, which make way for a while.
        overdue = [at for _, at in admission.long if now - at >= LONGEST_S]
        assert (not admission.short and not overdue) or len(young) == AT_ONCE
        assert not admission.long or young
        for kind, names in arrived.items():
            of_kind = [name for name in begun if name.startswith(kind)]
            assert of_kind == names[: len(of_kind)]
        assert len(begun) + len(admission.short) + len(admission.long) == sum(
            map(len, arrived.values())
        )


def test_who_waits_keeps_nobody_waiting():
    admission = Admission[str](AT_ONCE)
    for request in [*(f"waits {number}" for number in range(AT_ONCE)), "next"]:
        admission.arrive(request, 0)

    assert "next" not in [*admission.admit(now=0)]
    assert [*admission.admit(now=YOUNG_S)] == ["next"]


def test_who_ends_makes_room():
    admission = Admission[str](AT_ONCE)
    for request in [*(f"ends {number}" for number in range(AT_ONCE)), "next"]:
        admission.arrive(request, 0)
    first, *_ = admission.admit(now=0)

    admission.end(first)

    assert [*admission.admit(now=0)] == ["next"]


def test_long_ones_begin_one_at_a_time_where_short_ones_come():
    admission = Admission[str](AT_ONCE)
    admission.arrive("page 1", 0, is_long=True)
    admission.arrive("page 2", 0, is_long=True)
    admission.arrive("row", 0)

    assert [*admission.admit(now=0)] == ["row"]
    admission.end("row")
    assert [*admission.admit(now=0.001)] == ["page 1"]
    admission.end("page 1")
    assert [*admission.admit(now=0.002)] == ["page 2"]


def test_long_ones_work_together_where_no_short_one_comes():
    admission = Admission[str](AT_ONCE)
    admission.arrive("row", 0)
    admission.end(*admission.admit(now=0))
    for number in range(AT_ONCE + 1):
        admission.arrive(f"page {number}", LATELY_S, is_long=True)

    assert [*admission.admit(now=LATELY_S)] == [f"page {number}" for number in range(AT_ONCE)]


def test_a_long_one_goes_before_short_ones_that_came_much_later():
    admission, begun = Admission[str](1), []
    for request, at in [("row 1", 0.0), ("row 2", LONGEST_S / 2), ("row 3", LONGEST_S)]:
        admission.arrive(request, at)
        if not at:
            admission.arrive("page", at, is_long=True)

    for _ in range(4):
        (request,) = admission.admit(now=2 * LONGEST_S)
        admission.end(request)
        begun.append(request)

    assert begun == ["row 1", "row 2", "page", "row 3"]


def test_long_ones_that_have_waited_begin_together():
    admission = Admission[str](2)
    admission.arrive("page 1", 0, is_long=True)
    admission.arrive("page 2", 0, is_long=True)
    admission.arrive("row", LONGEST_S)

    assert [*admission.admit(now=LONGEST_S)] == ["page 1", "page 2"]


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
    assert make_worker(threads=3).admission.at_once == 3


def make_worker(**settings):
    cfg = Config()
    for name, value in settings.items():
        cfg.set(name, value)
    worker = BufferingWorker(0, 0, [], None, 30, cfg, Logger(cfg))
    worker.tmp.close()
    return worker


LIST = b"GET /v1/credentials/0b8f4f9e-5a3c-4d55-9d53-0c2d3c0f1a11/events?limit=100 HTTP/1.1\r\n\r\n"
OTHERS = LIST.replace(b"0b8f4f9e", b"1c904f9e").replace(b"?limit=100", b"")
BODY = b"POST /v1/credentials/bulk HTTP/1.1\r\nContent-Length: %d\r\n\r\n"


def test_a_request_takes_long_whose_like_had_a_long_answer():
    worker = make_worker(post_request=gunicorn_config.post_request)
    request = next(RequestParser(worker.cfg, [LIST], None))
    assert not worker.is_long(Arrival(LIST))

    worker.cfg.post_request(worker, request, {}, answer(LONG_BYTES + 1))
    assert worker.is_long(Arrival(LIST))
    assert worker.is_long(Arrival(OTHERS))
    assert not worker.is_long(Arrival(LIST.replace(b"/events", b"")))
    assert not worker.is_long(Arrival(LIST.replace(b"GET", b"POST")))

    # Refused, then not changed since.
    worker.cfg.post_request(worker, request, {}, answer(100, 429))
    assert worker.is_long(Arrival(LIST))
    worker.cfg.post_request(worker, request, {}, answer(0, 304))
    assert not worker.is_long(Arrival(LIST))
    worker.cfg.post_request(worker, request, {}, None)


def answer(sent, status=200):
    return SimpleNamespace(sent=sent, status_code=status)


def test_an_answer_is_as_long_as_before_it_was_compressed(api, organization):
    for number in range(50):
        make_credential(organization, "stripe_key", name=f"Account {number}")
    path = b"GET /v1/credentials HTTP/1.1\r\n\r\n"
    worker = make_worker(post_request=gunicorn_config.post_request)
    request = next(RequestParser(worker.cfg, [path], None))

    response = api.call("GET", "/v1/credentials", headers={"Accept-Encoding": "gzip"})
    sent = answer(len(response.content))
    worker.cfg.post_request(worker, request, response.wsgi_request.META, sent)

    assert sent.sent < LONG_BYTES
    assert worker.is_long(Arrival(path))


CHUNKED = (
    b"POST /v1/credentials/bulk HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
)


@pytest.mark.parametrize(("length", "is_long"), [(LONG_BYTES, False), (LONG_BYTES + 1, True)])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_request_takes_long_whose_body_is_long(length, is_long, is_chunked):
    body = b"x" * length
    arrival = Arrival(CHUNKED % (length, body) if is_chunked else BODY % length + body)
    assert arrival.is_complete()

    assert make_worker().is_long(arrival) == is_long


def test_what_takes_long_waits_while_a_short_request_works():
    worker = make_worker(threads=2)
    worker.poller, threads = Poller(), Threads()
    worker.tpool = threads
    worker.long_answers.record(target_of("GET", "/page"), LONG_BYTES + 1)
    ours, theirs = socket.socketpair()
    with worker.poller, ours, theirs:
        row, page = TConn(worker.cfg, ours, "", ()), TConn(worker.cfg, theirs, "", ())
        for conn, path in [(row, b"/row"), (page, b"/page")]:
            conn.init()
            worker.poller.register(conn.sock, selectors.EVENT_READ)
            worker.arrivals[conn] = Arrival(b"GET %s HTTP/1.1\r\n\r\n" % path)
            worker.hand_over(conn)

    assert threads.given == [row]


class Threads:
    """Notes the connections that it is given, and has no thread."""

    def __init__(self):
        self.given = []

    def submit(self, _, conn):
        self.given.append(conn)
        return Future()


def test_only_so_many_targets_are_remembered():
    answers = LongAnswers()
    for number in range(MOST_TARGETS + 1):
        answers.record(target_of("GET", f"/{number}"), LONG_BYTES + 1)

    assert answers.is_expected(f"GET /{MOST_TARGETS}")
    assert len(answers.targets) <= MOST_TARGETS


def test_the_main_loop_looks_again_as_soon_as_who_works_is_young_no_more(worker):
    worker.wait_for_and_dispatch_events(1.0)
    assert worker.poller.timeout == 1.0

    worker.admission.at_once = 0
    worker.admission.arrive("next", 0.0)
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


@pytest.fixture
def steps(monkeypatch):
    """How often a request that takes long has let others go on."""
    use_in_process(None)
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    yield slept
    use_in_process(None)


@pytest.mark.parametrize("comes", [True, False])
def test_a_page_lets_others_go_on_where_short_requests_come(api, steps, comes):
    of_process = make_worker().admission
    # Later than now, as making the first page may take long.
    of_process.arrive("another", time.monotonic() + 60, is_long=not comes)

    assert api.get("/v1/credentials").status_code == 200

    assert steps == [0] * 3 * comes


def test_nothing_waits_outside_a_web_process(api, steps):
    assert api.get("/v1/credentials").status_code == 200

    assert steps == []
