"""The worker class of gunicorn: a request gets a thread when all of it has arrived.

Chosen by trial with 40 clients that stop in the middle of a head or a body, 2 processes and
8 threads, and `/readyz` asked meanwhile:

- gunicorn's `gthread` reads head and body in the thread, without a deadline: no answer in 20 s.
  `--timeout` and `--keep-alive` change nothing, as they don't end a read in a thread, and more
  threads only raise the number of clients that it takes.
- `gevent` was not tried: it changes how every library in the process waits, psycopg among them.
- granian 2.8 (WSGI) collects heads itself: 0.1 s at most. It hands a body on before it is there: 40
  half chunked ones, which our limits read, took all threads: no answer in 20 s. After half bodies
  SIGTERM did not end it once.
- This class: answers in 0.06 s at most in all three, with no further dependency. The main loop of
  `gthread`, which polls idle connections anyway, also collects what arrives.
"""

import json
import selectors
import socket
import struct
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from gunicorn.errors import AppImportError
from gunicorn.workers.gthread import TConn, ThreadWorker

from sequin_admin.core import shutdown
from sequin_admin.core.admission import YOUNG_S, Admission, use_in_process
from sequin_admin.core.arrivals import CHUNKING_ALLOWANCE, MOST_BODY, REFUSALS, Arrival, TooLarge
from sequin_admin.core.env import env
from sequin_admin.core.long_answers import LONG_BYTES, LongAnswers, target_of
from sequin_admin.core.long_polls import LONG_POLLS

# Where `/healthz` alone is answered, when gunicorn is bound to it beside another port.
HEALTH_PORT = env.int("HEALTH_PORT", default=8081)
# All incomplete requests of a process together, in bytes. Beyond it the oldest is dropped.
MOST_WAITING = 100_000_000
READ_AT_ONCE = 65_536
# While a thread has the connection: deadline of one read or write. Reads wait for nothing unless
# gunicorn understands the request's framing in another way; writes wait for slow readers.
THREAD_TIMEOUT_S = 10
# How long a closed connection is read, so that the client receives the response (RFC 9112
# section 9.6). gunicorn does it in the main loop, which then serves nobody else.
LINGER_S = 2.0
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class BufferingWorker(ThreadWorker):  # type: ignore[misc]
    """`gthread`, with requests collected in the main loop before a thread is taken."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # By connection, in the order they began. Used by the main thread only.
        self.arrivals: dict[TConn, Arrival] = {}
        self.admission = Admission[TConn](self.cfg.threads)
        # gunicorn makes the worker right before it forks its process.
        use_in_process(self.admission)
        self.long_answers = LongAnswers()
        # Closed for writing, with the time until which they are still read.
        self.closing: dict[TConn, float] = {}

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """With threads for those who wait for a permit or a run, besides those who work."""
        return ThreadPoolExecutor(self.cfg.threads + LONG_POLLS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        shutdown.request()
        super().handle_exit(sig, frame)

    def load_wsgi(self) -> None:
        """Raises `AppImportError`, whose text gunicorn prints before it ends with exit code 4."""
        try:
            super().load_wsgi()
        except ImproperlyConfigured as error:
            raise AppImportError(str(error)) from None
        except SystemExit as refusal:
            raise AppImportError(refusal.code) from None

    def enqueue_req(self, conn: TConn) -> None:
        """Collect the next request of a new or kept connection."""
        if self.cfg.is_ssl:  # Only the thread can decrypt; TLS ends in front of us.
            super().enqueue_req(conn)
            return
        if not conn.initialized:
            set_timeouts(conn.sock)
            conn.init()
        arrival = Arrival(conn.parser.unreader.take_buffered())
        conn.sock.setblocking(False)
        self.arrivals[conn] = arrival
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_received, conn))
        self.on_received(conn, conn.sock)

    def on_received(self, conn: TConn, sock: socket.socket) -> None:
        """Add what has arrived, and hand the request over once it is complete."""
        arrival = self.arrivals[conn]
        try:
            data = sock.recv(READ_AT_ONCE)
        except BlockingIOError:
            data = None
        except OSError:
            self.drop(conn)
            return
        if data == b"":
            self.drop(conn)
            return
        arrival.received += data or b""
        try:
            if arrival.received and arrival.is_complete():
                if len(self.sockets) > 1 and conn.server[1:2] == (HEALTH_PORT,):
                    self.respond_alive(conn, arrival)
                else:
                    self.hand_over(conn)
            else:
                self.wait_for_more(conn, arrival)
        except TooLarge as refusal:
            self.refuse(conn, refusal)

    def wait_for_more(self, conn: TConn, arrival: Arrival) -> None:
        if arrival.body_at and arrival.expects_continue:
            arrival.expects_continue = False
            try:
                conn.sock.send(CONTINUE)
            except OSError:
                self.drop(conn)
                return
        while self.are_too_many():
            self.drop(next(iter(self.arrivals)))

    def are_too_many(self) -> bool:
        """Incomplete requests may take half of the connections, and a bounded part of memory."""
        waiting = sum(len(each.received) for each in self.arrivals.values())
        return len(self.arrivals) > self.worker_connections // 2 or waiting > MOST_WAITING

    def hand_over(self, conn: TConn) -> None:
        arrival = self.forget(conn)
        conn.parser.unreader.unread(bytes(arrival.received))
        conn.data_ready = True
        self.admission.arrive(conn, time.monotonic(), is_long=self.is_long(arrival))
        self.begin()

    def is_long(self, arrival: Arrival) -> bool:
        """Whether it takes long, as its body is long or its answer will be."""
        target = target_of(*arrival.request_line())
        body = max(arrival.length, arrival.chunks_size)
        return body > LONG_BYTES or self.long_answers.is_expected(target)

    def begin(self) -> None:
        """Hand those to threads whose turn it is."""
        for conn in self.admission.admit(time.monotonic()):
            super().enqueue_req(conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Not longer than until those that work are young no more, if others wait for them."""
        waits = self.admission.is_any_waiting()
        super().wait_for_and_dispatch_events(YOUNG_S if waits else timeout)
        self.begin()

    def respond_alive(self, conn: TConn, arrival: Arrival) -> None:
        """`/healthz` on its own port: needs no free thread and nothing of Django."""
        if arrival.received.startswith(b"GET /healthz "):
            self.respond(conn, "200 OK", "text/plain", "ok\n")
        else:
            self.respond(conn, "404 Not Found", "text/plain", "Only GET /healthz is here.\n")

    def refuse(self, conn: TConn, refusal: TooLarge) -> None:
        reason, sentence = REFUSALS[refusal.status]
        body = json.dumps({"summary": sentence})
        self.respond(conn, f"{refusal.status} {reason}", "application/json", body)

    def respond(self, conn: TConn, status: str, content_type: str, body: str) -> None:
        """Answer an arrival without a thread, and close the connection."""
        head = (
            f"HTTP/1.1 {status}\r\nConnection: close\r\n"
            f"Content-Type: {content_type}\r\nContent-Length: {len(body.encode())}\r\n\r\n"
        )
        try:
            conn.sock.send((head + body).encode())
        except OSError:
            self.log.debug("The client is gone.")
        self.forget(conn)
        self.start_closing(conn)

    def drop(self, conn: TConn) -> None:
        self.forget(conn)
        self.nr_conns -= 1
        conn.close()

    def finish_request(self, conn: TConn, fs: Future[bool]) -> None:
        """Keep the connection or close it, without waiting for the client in the main loop."""
        self.admission.end(conn)
        if self.cfg.is_ssl or (not fs.cancelled() and fs.exception() is None and fs.result()):
            super().finish_request(conn, fs)
        else:
            self.start_closing(conn)

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:
        """Discard a body that nobody read, which is here already. gunicorn gives up after 64 kB and
        closes a connection that it has called kept (RFC 9112 section 9.6)."""
        if keepalive and not self.cfg.is_ssl:
            # A malformed one: where the next request begins is unknown, and gunicorn closes.
            with suppress(OSError):
                conn.parser.mesg.body.read(CHUNKING_ALLOWANCE * MOST_BODY)
        return bool(super()._keepalive_after(conn, keepalive))

    def start_closing(self, conn: TConn) -> None:
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_closing, conn))
        except OSError:
            self.nr_conns -= 1
            conn.close()
            return
        self.closing[conn] = time.monotonic() + LINGER_S

    def on_closing(self, conn: TConn, sock: socket.socket) -> None:
        """Discard what still arrives, until the client closes as well."""
        try:
            ended = not sock.recv(READ_AT_ONCE)
        except BlockingIOError:
            ended = False
        except OSError:
            ended = True
        if ended:
            self.finish_closing(conn)

    def finish_closing(self, conn: TConn) -> None:
        del self.closing[conn]
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def forget(self, conn: TConn) -> Arrival:
        self.poller.unregister(conn.sock)
        return self.arrivals.pop(conn)

    def murder_pending(self) -> None:
        """Also drop requests that have not arrived in time. Called at least once a second.

        A worker that stops waits for them no longer than for connections that close.
        """
        super().murder_pending()
        now = time.monotonic()
        for conn, arrival in list(self.arrivals.items()):
            if not self.alive:
                arrival.ends_at = min(arrival.ends_at, now + LINGER_S)
            if arrival.ends_at <= now:
                self.drop(conn)
        for conn in [conn for conn, ends_at in self.closing.items() if ends_at <= now]:
            self.finish_closing(conn)


def set_timeouts(sock: socket.socket) -> None:
    """Of the kernel: Python's own would be reset by gunicorn, which makes the socket blocking."""
    timeout = struct.pack("ll", THREAD_TIMEOUT_S, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
