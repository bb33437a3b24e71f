"""What can go wrong, each with a sentence that says whose move it is."""

from collections.abc import Mapping, Sequence


class SequinError(Exception):
    """Sequin Admin did not give a token. `str()` is its sentence; `status` its HTTP status."""

    def __init__(self, sentence: str, status: int = 0) -> None:
        super().__init__(sentence)
        self.status = status


class Refused(SequinError):
    """The server said no. `fields` has what it says about single fields, by their path."""

    def __init__(
        self, sentence: str, status: int = 0, fields: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        super().__init__(sentence, status)
        self.fields = fields or {}


class Broken(SequinError):
    """The access is gone, or disabled. Trying again is of no use until somebody acts."""


class TryLater(SequinError):
    """Nobody must act: try again after `retry_after_s` seconds."""

    def __init__(self, sentence: str, status: int = 0, *, retry_after_s: float = 5) -> None:
        super().__init__(sentence, status)
        self.retry_after_s = retry_after_s


class WrongHost(SequinError):
    """A call was about to take the credential to another place than its provider."""
