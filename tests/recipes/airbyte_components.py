"""What our components do within the CDK: `python -m tests.recipes.airbyte_components` in its venv.

Prints the name of each function here that ended without an error.
"""

import dataclasses
import logging
from functools import partial

import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.declarative.models import CustomRequester
from airbyte_cdk.sources.declarative.parsers.model_to_component_factory import (
    ModelToComponentFactory,
)
from airbyte_cdk.sources.streams.http.error_handlers import HttpStatusErrorHandler, ResponseAction
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from sequin_admin.client import Broken, TryLater
from sequin_admin.client.access import Access
from sequin_admin.client.airbyte import CredentialAuthenticator
from sequin_admin.client.airbyte.error_handler import CredentialErrorHandler
from sequin_admin.client.airbyte.errors import CallDeferred, airbyte_errors

BASE = "http://127.0.0.1:9"
CONFIG = {
    **{"sequin_admin_url": "http://127.0.0.1:9", "sequin_admin_api_key": "sqn_k"},
    "credential_id": "11111111-2222-3333-4444-555555555555",
}
DIALECT = {
    **{"throttled": [(429, ""), (200, '"THROTTLED"')], "remaining": "", "reset": ""},
    **{"reset_unit": "epoch_s", "used_of": "", "pause_s": None},
}
KEYS = {
    **{"client_key": "c", "client_secret": "s", "realm": "r", "signature_method": "HMAC-SHA256"},
    **{"resource_owner_key": "o", "resource_owner_secret": "w", "base_url": BASE},
}


class Known:
    """A credential whose access is known here."""

    def __init__(self, **parts):
        self.base_url = BASE
        self.access, self.asked = Access(BASE, "1", dialect=DIALECT, **parts), []

    def token(self):
        return self.access

    def refused(self, access):
        self.asked.append(access)
        self.access = dataclasses.replace(self.access, headers={"Authorization": "Bearer 2"})
        return self.access


class Authenticator(CredentialAuthenticator):
    @property
    def credential(self):
        return self.known


def authenticator(**parts):
    made = Authenticator(CONFIG, {})
    made.known = Known(**parts)
    return made


def prepared(method="GET", **more):
    return requests.Request(method, f"{BASE}/v1/rows", **more).prepare()


def headers_are_put_in():
    request = authenticator(headers={"X-Key": "k"})(prepared())

    assert request.headers["X-Key"] == "k"


def a_form_is_filled_in_once_however_often_it_is_asked():
    ask, request = authenticator(fields={"Password": "p"}), prepared("POST", data={"a": "1"})

    for _ in "ab":
        ask(request)
        assert request.body == b"a=1&Password=p"
        assert request.headers["Content-Length"] == str(len(request.body))


def each_request_is_signed_anew():
    ask, request = authenticator(signing=KEYS), prepared()

    signed = [ask(request).headers["Authorization"] for _ in "ab"]

    assert signed[0].startswith("OAuth ")
    assert signed[0] != signed[1]


def the_cdks_action_of_renewing_renews_what_was_refused():
    ask, request = authenticator(headers={"Authorization": "Bearer 1"}), prepared()
    ask(request)

    ask.refresh_and_set_access_token()

    assert [each.headers["Authorization"] for each in ask.known.asked] == ["Bearer 1"]
    assert ask(request).headers["Authorization"] == "Bearer 2"


def a_configuration_without_a_credential_says_what_it_lacks():
    error = raised_by(lambda: CredentialAuthenticator({"sequin_admin_url": "u"}, {}).credential)

    assert error.failure_type is FailureType.config_error
    assert "sequin_admin_api_key, credential_id" in str(error)


def raised_by(call):
    try:
        call()
    except AirbyteTracedException as error:
        return error


def streams_of_a_process_share_a_credential_and_its_permits():
    one, other = (CredentialAuthenticator(CONFIG, {}).credential for _ in "ab")

    assert one is other
    assert one.id == CONFIG["credential_id"]


def handler():
    return CredentialErrorHandler(HttpStatusErrorHandler(logging.getLogger()), authenticator())


def what_is_deferred_is_made_again_after_the_time_that_we_say():
    handled, later = handler(), CallDeferred(TryLater("Wait.", 429, retry_after_s=7))

    resolution = handled.interpret_response(later)

    assert resolution.response_action is ResponseAction.RETRY
    assert resolution.failure_type is FailureType.transient_error
    assert handled.backoff_strategies[0].backoff_time(later, 1) == 7


def what_is_deferred_for_a_day_ends_the_sync_instead_of_waiting():
    later = CallDeferred(TryLater("Wait.", 429, retry_after_s=86_400))

    assert handler().interpret_response(later).response_action is ResponseAction.FAIL


def response(status, body=b"{}"):
    made = requests.Response()
    made.status_code, made._content = status, body
    made.headers["Content-Type"] = "application/json"
    return made


def a_throttled_call_is_one_whatever_its_status():
    handled = handler()

    for answer in (response(429), response(200, b'{"code": "THROTTLED"}')):
        resolution = handled.interpret_response(answer)
        assert resolution.response_action is ResponseAction.RATE_LIMITED
    assert handled.interpret_response(response(200)).response_action is ResponseAction.SUCCESS
    assert handled.interpret_response(response(403)).response_action is ResponseAction.FAIL


def our_errors_are_airbytes():
    for error, kind in (
        (Broken("The customer must act.", 409), FailureType.config_error),
        (TryLater("Later."), FailureType.transient_error),
    ):
        traced = raised_by(partial(fail, error))

        assert (str(traced), traced.failure_type) == (str(error), kind)


@airbyte_errors()
def fail(error):
    raise error


def a_requester_of_a_manifest_has_its_options_and_keeps_the_secret_out_of_the_request():
    manifest = {
        **{"type": "CustomRequester", "path": "v1/{{ config['what'] }}"},
        "class_name": "sequin_admin.client.airbyte.CredentialRequester",
        "request_parameters": {"limit": "{{ 10 * 10 }}"},
        "request_headers": {"X-Version": "2"},
        "error_handler": {"type": "DefaultErrorHandler", "max_retries": 3},
    }
    config = CONFIG | {"what": "rows"}
    requester = ModelToComponentFactory().create_component(
        CustomRequester, manifest, config, name="rows"
    )
    requester.source = authenticator(headers={"Authorization": "Bearer 1"})

    options = {
        "headers": requester._request_headers(),
        "params": requester._request_params({}, {}, {}),
    }
    request = requester._http_client._create_prepared_request(
        "GET", requester._get_url(), **options
    )

    assert request.url == f"{BASE}/v1/rows?limit=100"
    assert request.headers["X-Version"] == "2"
    assert "Authorization" not in request.headers
    assert requester.error_handler.max_retries == 3


HELD = [
    headers_are_put_in,
    a_form_is_filled_in_once_however_often_it_is_asked,
    each_request_is_signed_anew,
    the_cdks_action_of_renewing_renews_what_was_refused,
    a_configuration_without_a_credential_says_what_it_lacks,
    streams_of_a_process_share_a_credential_and_its_permits,
    what_is_deferred_is_made_again_after_the_time_that_we_say,
    what_is_deferred_for_a_day_ends_the_sync_instead_of_waiting,
    a_throttled_call_is_one_whatever_its_status,
    our_errors_are_airbytes,
    a_requester_of_a_manifest_has_its_options_and_keeps_the_secret_out_of_the_request,
]

if __name__ == "__main__":
    for held in HELD:
        held()
        print(held.__name__)
