"""Exceptions of the client library; each message says who must act."""

from collections.abc import Mapping, Sequence


class SequinError(Exception):
    """Base of all errors. `str()` is the server's message, `status` the HTTP status or 0."""

    def __init__(self, sentence: str, status: int = 0) -> None:
        super().__init__(sentence)
        self.status = status


class Refused(SequinError):
    """The server rejected the request. `fields` has its messages about single fields, by path."""

    def __init__(
        self, sentence: str, status: int = 0, fields: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        super().__init__(sentence, status)
        self.fields = fields or {}


class Broken(SequinError):
    """The credential is broken or disabled. Retrying does not help until somebody acts."""


class TryLater(SequinError):
    """A temporary failure: try again after `retry_after_s` seconds."""

    def __init__(self, sentence: str, status: int = 0, *, retry_after_s: float = 5) -> None:
        super().__init__(sentence, status)
        self.retry_after_s = retry_after_s


class WrongHost(SequinError):
    """A request would have sent the credential to a host that is not its provider's."""
