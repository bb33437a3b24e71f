"""What the CDK does about a response or an exception."""

import httpx2
import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.streams.http.error_handlers import (
    BackoffStrategy,
    ErrorHandler,
    ErrorResolution,
    ResponseAction,
)

from sequin_admin.client.airbyte.authenticator import CredentialAuthenticator
from sequin_admin.client.airbyte.errors import CallDeferred, airbyte_errors
from sequin_admin.client.dialect import Dialect


class CredentialErrorHandler(ErrorHandler):
    """Recognizes deferred and throttled calls, and asks the manifest's handler about all others.

    A provider may answer a throttled call with 200 or 403, which the CDK would take for an empty
    page or for missing rights.
    """

    def __init__(self, manifests: ErrorHandler, source: CredentialAuthenticator) -> None:
        self.manifests, self.source = manifests, source
        own = getattr(manifests, "backoff_strategies", None) or []
        self.backoff_strategies = [DeferredBackoff(), *own]

    @property
    def max_retries(self) -> int | None:
        most: int | None = self.manifests.max_retries
        return most

    @property
    def max_time(self) -> int | None:
        longest: int | None = self.manifests.max_time
        return longest

    def interpret_response(
        self, response: requests.Response | Exception | None = None
    ) -> ErrorResolution:
        if isinstance(response, CallDeferred):
            too_long = self.max_time is not None and response.retry_after_s > self.max_time
            action = ResponseAction.FAIL if too_long else ResponseAction.RETRY
            return ErrorResolution(action, FailureType.transient_error, str(response))
        if isinstance(response, requests.Response) and self.is_throttled(response):
            return ErrorResolution(
                ResponseAction.RATE_LIMITED,
                FailureType.transient_error,
                "The provider throttles. The next call waits until its limit has been reset.",
            )
        return self.manifests.interpret_response(response)

    def is_throttled(self, answer: requests.Response) -> bool:
        with airbyte_errors():
            dialect = Dialect(self.source.credential.token().dialect)
        headers = {"Content-Type": answer.headers.get("Content-Type", "")}
        response = httpx2.Response(answer.status_code, headers=headers)
        if dialect.needs_body(response):
            response = httpx2.Response(answer.status_code, headers=headers, content=answer.content)
        return dialect.throttled(response)


class DeferredBackoff(BackoffStrategy):
    """Waits as long as Sequin Admin says."""

    def backoff_time(
        self,
        response_or_exception: requests.Response | requests.RequestException | None,
        attempt_count: int,
    ) -> float | None:
        if isinstance(response_or_exception, CallDeferred):
            return response_or_exception.retry_after_s
        return None
