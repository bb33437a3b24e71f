"""What can go wrong, each with a sentence that says whose move it is."""


class SequinError(Exception):
    """Sequin Admin did not give a token. `str()` is its sentence; `status` its HTTP status."""

    def __init__(self, sentence: str, status: int = 0) -> None:
        super().__init__(sentence)
        self.status = status


class Broken(SequinError):
    """The access is gone, or disabled. Trying again is of no use until somebody acts."""


class TryLater(SequinError):
    """Nobody must act: try again after `retry_after_s` seconds."""

    def __init__(self, sentence: str, status: int = 0, *, retry_after_s: float = 5) -> None:
        super().__init__(sentence, status)
        self.retry_after_s = retry_after_s


class WrongHost(SequinError):
    """A call was about to take the credential to another place than its provider."""
