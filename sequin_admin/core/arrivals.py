"""One HTTP request as far as it has arrived: is all of it here, is it too large?"""

import time

# Deadline of a whole request from its first byte, in seconds: 10 MB at 2 Mbit/s are in time.
ARRIVES_IN_S = 60.0
# Longest head: gunicorn refuses a field of 8 kB or the 101st field when it parses the head.
MOST_HEAD = 100_000
# Longest body: `DATA_UPLOAD_MAX_MEMORY_SIZE` in our settings. Kept apart: the settings are not read
# in gunicorn's main process.
MOST_BODY = 10_000_000
# Longest line with the size of a chunk; gunicorn refuses 8,190 bytes.
MOST_LINE = 10_000
# Chunked bodies have sizes and line ends in between: what they may add.
CHUNKING_ALLOWANCE = 2
REFUSALS = {
    413: (
        "Content Too Large",
        f"The body is too big: {MOST_BODY:,} bytes are the most. Send less at once.",
    ),
    431: (
        "Request Header Fields Too Large",
        "The head of the request is too big. Send fewer or shorter headers.",
    ),
}


class TooLarge(Exception):
    """The request is larger than allowed. `status` is the response's."""

    def __init__(self, status: int) -> None:
        super().__init__(REFUSALS[status][1])
        self.status = status


class Arrival:
    """The bytes of one request, as far as they have arrived."""

    def __init__(self, received: bytes = b"") -> None:
        self.received = bytearray(received)
        self.ends_at = time.monotonic() + ARRIVES_IN_S
        self.searched = 0
        # Where the body begins; 0 while the head is incomplete.
        self.body_at = 0
        self.length = 0
        self.is_chunked = False
        self.expects_continue = False
        # Where the next chunk begins, and the size of those before it.
        self.chunk_at = 0
        self.chunks_size = 0

    def request_line(self) -> tuple[str, str]:
        """Its method and path, of a target in origin form (RFC 9112 section 3.2.1)."""
        line = self.received[: self.received.find(b"\r\n")].decode("latin-1")
        method, _, rest = line.partition(" ")
        return method, rest.partition(" ")[0].partition("?")[0]

    def is_complete(self) -> bool:
        """Whether a thread can read all of it without waiting. Raises `TooLarge`.

        What can't be understood counts as complete: gunicorn refuses it.
        """
        if not self.body_at and not self.read_head():
            return False
        if not self.is_chunked:
            return len(self.received) - self.body_at >= self.length
        return self.read_chunks()

    def read_head(self) -> bool:
        """Whether the head is complete; then how the body is framed is known."""
        end = self.received.find(b"\r\n\r\n", max(0, self.searched - 3))
        self.searched = len(self.received)
        if end > MOST_HEAD or (end < 0 and len(self.received) > MOST_HEAD):
            raise TooLarge(431)
        if end < 0:
            return False
        self.body_at = self.chunk_at = end + 4
        for line in bytes(self.received[:end]).split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            self.read_field(name.strip().lower(), value.strip().lower())
        if not self.is_chunked and self.length > MOST_BODY:
            raise TooLarge(413)
        return True

    def read_field(self, name: bytes, value: bytes) -> None:
        if name == b"content-length" and value.isdigit():
            self.length = max(self.length, int(value[:20]))
        elif name == b"transfer-encoding":
            self.is_chunked = True
        elif name == b"expect":
            self.expects_continue = value == b"100-continue"

    def read_chunks(self) -> bool:
        """Whether the last chunk and the trailers are there (RFC 9112 section 7.1)."""
        if len(self.received) - self.body_at > CHUNKING_ALLOWANCE * MOST_BODY:
            raise TooLarge(413)
        while 0 <= (end := self.received.find(b"\r\n", self.chunk_at)) <= self.chunk_at + MOST_LINE:
            try:
                size = int(self.received[self.chunk_at : end].partition(b";")[0], 16)
            except ValueError:
                return True
            if size <= 0:
                return self.has_trailers(end)
            if self.chunks_size + size > MOST_BODY:
                raise TooLarge(413)
            after = end + 2 + size + 2
            if len(self.received) < after:
                return False
            self.chunk_at, self.chunks_size = after, self.chunks_size + size
        return len(self.received) - self.chunk_at > MOST_LINE

    def has_trailers(self, at: int) -> bool:
        """Whether the trailers after the last chunk, whose size line ends at `at`, are there."""
        if self.received[at + 2 : at + 4] == b"\r\n":
            return True
        too_long = len(self.received) - at > MOST_HEAD
        return too_long or self.received.find(b"\r\n\r\n", at) >= 0
