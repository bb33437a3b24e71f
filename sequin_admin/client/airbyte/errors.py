"""Our exceptions as Airbyte's: what can be retried, and what somebody must act upon."""

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from sequin_admin.client.errors import SequinError, TryLater


class CallDeferred(requests.RequestException):
    """No token or permit yet: the call was not sent. The CDK retries it after `retry_after_s`."""

    def __init__(self, later: TryLater) -> None:
        super().__init__(str(later))
        self.retry_after_s = later.retry_after_s


@contextmanager
def airbyte_errors() -> Iterator[None]:
    """Raises `AirbyteTracedException` for our exceptions, with their sentence."""
    try:
        yield
    except SequinError as error:
        passes = isinstance(error, TryLater)
        raise AirbyteTracedException(
            message=str(error),
            internal_message=f"{type(error).__name__} {error.status}: {error}",
            failure_type=FailureType.transient_error if passes else FailureType.config_error,
            exception=error,
        ) from error
