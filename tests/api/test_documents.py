"""The OpenAPI document and its page."""

import json
import re

import pytest

from sequin_admin.access.models import Scope
from sequin_admin.api.openapi import guide
from sequin_admin.api.urls import api
from sequin_admin.credentials import kinds
from sequin_admin.notifications.message import TYPES

KINDS = pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: kind.slug)


@pytest.fixture(scope="module")
def document():
    """The document as parsed JSON."""
    return json.loads(json.dumps(api.get_openapi_schema()))


def operations(document):
    return [o for methods in document["paths"].values() for o in methods.values()]


def contents(document):
    """Every JSON body and response of the document, with a label for failures."""
    for operation in operations(document):
        answers = operation["responses"].items()
        parts = [(status, answer) for status, answer in answers if "content" in answer]
        if "requestBody" in operation:
            parts.append(("body", operation["requestBody"]))
        for part, described in parts:
            yield f"{operation['operationId']} {part}", described["content"]["application/json"]
    for name, answer in document["components"]["responses"].items():
        if "content" in answer:
            yield name, answer["content"]["application/json"]


def examples(content):
    named = content.get("examples") or {"example": {"value": content["example"]}}
    return {name: example["value"] for name, example in named.items()}


def test_the_document_is_valid(document):
    # Both take two seconds to import, which every process that collects would pay.
    from openapi_spec_validator import validate

    validate(document)


def test_every_example_fits_its_schema(document):
    from jsonschema import Draft202012Validator

    wrong = [
        f"{where} {name}: {error.message[:200]}"
        for where, content in contents(document)
        for name, value in examples(content).items()
        for error in Draft202012Validator(
            {**content["schema"], "components": document["components"]}
        ).iter_errors(value)
    ]

    assert wrong == []


def test_every_operation_says_what_it_does(document):
    unsaid = [o["operationId"] for o in operations(document) if not o.get("description")]

    assert unsaid == []


def test_every_tag_is_described(document):
    assert all(tag.get("description") for tag in document["tags"])


def test_every_answer_has_the_request_id(document):
    answers = [answer for o in operations(document) for answer in o["responses"].values()]
    shared = document["components"]["responses"].values()

    assert all("$ref" in each or "X-Request-Id" in each["headers"] for each in answers)
    assert all("X-Request-Id" in each["headers"] for each in shared)


def test_answers_to_try_again_later_say_when(document):
    shared = document["components"]["responses"]

    assert "Retry-After" in shared["Problem429"]["headers"]
    assert "Retry-After" in shared["Problem503"]["headers"]
    assert "Retry-After" not in shared["Problem404"]["headers"]


def test_an_api_key_is_shown_with_what_it_can_have(document):
    made = document["paths"]["/v1/api-keys"]["post"]["responses"]["201"]
    shown = made["content"]["application/json"]["example"]

    assert set(shown["scopes"]) <= set(Scope)
    assert "..." not in shown.values()


def test_what_can_be_changed_comes_with_an_etag(document):
    stream = document["paths"]["/v1/streams/{stream_id}"]

    assert all(
        "ETag" in stream[method]["responses"]["200"]["headers"] for method in ("get", "patch")
    )
    assert "ETag" not in stream["delete"]["responses"]["204"]["headers"]


def test_the_security_scheme_is_described(document):
    assert document["components"]["securitySchemes"]["KeyAuth"]["description"]
    assert all("security" in operation for operation in operations(document))


def test_an_answers_id_leads_to_what_can_be_done_with_it(document):
    links = document["paths"]["/v1/webhooks"]["post"]["responses"]["201"]["links"]

    assert links["update_webhook"] == {
        "operationId": "update_webhook",
        "parameters": {"webhook_id": "$response.body#/id"},
    }
    assert "redeliver_to_webhook" not in links


def test_what_lies_below_a_row_is_linked_with_both_ids(document):
    path = "/v1/webhooks/{webhook_id}/deliveries"
    links = document["paths"][path]["get"]["responses"]["200"]["links"]

    assert links["first_redeliver_to_webhook"]["parameters"] == {
        "webhook_id": "$request.path.webhook_id",
        "delivery_id": "$response.body#/data/0/id",
    }


def test_the_server_is_where_the_document_was_asked_for(client, db, settings):
    settings.ALLOWED_HOSTS = ["sequin.arrakis.test"]

    document = client.get("/v1/openapi.json", headers={"host": "sequin.arrakis.test:8443"}).json()

    assert [server["url"] for server in document["servers"]] == ["http://sequin.arrakis.test:8443"]
    assert "http://sequin.arrakis.test:8443/v1/credentials" in document["info"]["description"]


@pytest.mark.parametrize("paragraph", guide.DIFFERENCES.split("\n\n"))
def test_every_difference_is_told_with_its_reason(document, paragraph):
    parts = r"\*\*.+\.\*\* \*Original:\* .+ \*Here:\* .+ \*Why:\* .+"

    assert paragraph in document["info"]["description"]
    assert paragraph.startswith("### ") or re.fullmatch(parts, " ".join(paragraph.split()))


def test_no_two_differences_have_one_topic(document):
    told = guide.DIFFERENCES.count("*Original:*")

    assert len(guide.differences()) == told
    assert f"All {told} differences" in document["info"]["description"]


def test_the_guide_says_what_holds_everywhere(document):
    told = document["info"]["description"]

    for word in ("Authorization: Bearer", "next_cursor", "validation_errors", "Idempotency-Key"):
        assert word in told
    for word in ("If-Match", "RateLimit-", "X-Request-Id"):
        assert word in told
    assert all(f"`{scope}`" in told for scope in Scope)


@KINDS
def test_every_kind_is_in_the_union_with_an_example(document, kind):
    properties = document["components"]["schemas"]["CredentialImport"]["properties"]["properties"]
    body = document["paths"]["/v1/credentials"]["post"]["requestBody"]["content"]
    example = body["application/json"]["examples"][kind.slug]["value"]["properties"]

    assert kind.slug in properties["discriminator"]["mapping"]
    assert example["kind"] == kind.slug
    assert set(kind.properties_class.model_json_schema()["required"]) <= set(example)


@KINDS
def test_a_kind_is_described_in_the_words_of_json_schema(document, kind):
    shape = document["components"]["schemas"][kind.properties_class.__name__]

    assert "kind" in shape["required"]
    assert "default" not in shape["properties"]["kind"]
    for name, declared in shape["properties"].items():
        assert not {"match", "read_only", "ours", "multiline", "example"} & set(declared)
        if name in kind.properties_class.secret_names():
            text = declared.get("anyOf", [declared])[0]
            assert (text["writeOnly"], text["format"]) == (True, "password")


def test_a_pattern_holds_for_the_whole_value(document):
    secret = document["components"]["schemas"]["StripeKeyProperties"]["properties"]["secret"]

    assert secret["pattern"] == r"^(?:(sk|rk)_(live|test)_\w+)$"


def test_every_event_is_described(document):
    assert set(document["webhooks"]) == set(TYPES)
    assert "EventShape" in document["components"]["schemas"]


def test_the_page_is_served_from_here(client, db):
    page = client.get("/v1/docs").content.decode()

    assert "ninja/swagger-ui-bundle.js" in page
    assert 'name="viewport"' in page
    assert "//cdn" not in page
