"""The OpenAPI document: what Ninja makes of the views, with examples, links and rules added."""

import json
from collections.abc import Iterator
from copy import copy
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.utils.functional import cached_property
from django.utils.module_loading import import_string
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from sequin_admin.api.framework import errors, idempotency, responses
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.notifications import webhooks
from sequin_admin.api.openapi import examples, guide, links
from sequin_admin.api.openapi.shared_models import SharingSchema
from sequin_admin.credentials import kinds

PROPERTY_KEYWORDS = ("example", "match", "extension", "read_only", "multiline", "password")
# Python counts four separators as white space that JSON Schema does not.
VISIBLE_CHARACTER = r"[^\s\x1c-\x1f]"
PROBLEM = "Problem"
# Schemas by the name of their class, where they were published under another one.
PUBLISHED_NAMES = {
    "ApiKeyState": "KeyState",
    "CallOutcome": "Outcome",
    "ErrorUser": "User",
    "ReleasedPermit": "Given",
}
# Headers of every response.
HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {
        "description": "Of this request, also in our logs: tell it when you ask for help.",
        "schema": {"type": "string"},
    },
    "RateLimit-Limit": {
        "description": "How many requests the key may make in the current window.",
        "schema": {"type": "integer"},
    },
    "RateLimit-Remaining": {
        "description": "How many of them are left.",
        "schema": {"type": "integer"},
    },
    "RateLimit-Reset": {
        "description": "In how many seconds the window ends.",
        "schema": {"type": "integer"},
    },
}
RETRY_AFTER: dict[str, Any] = {
    "description": "How many seconds to wait before it is worth to try again.",
    "schema": {"type": "integer"},
}
WITH_RETRY_AFTER = (429, 503)
ETAG = "ETag"
ETAG_HEADER: dict[str, Any] = {
    "description": "Of what is shown. Send it back as If-Match to change only that, or as "
    "If-None-Match to get 304 while it is the same.",
    "schema": {"type": "string"},
}
NOT_MODIFIED = "NotModified"
IF_NONE_MATCH: dict[str, Any] = {
    "in": "header",
    "name": responses.IF_NONE_MATCH,
    "required": False,
    "schema": {"type": "string"},
    "description": "Answer only when the ETag is another one by now, else 304.",
}
ERROR_EXAMPLES: dict[int, dict[str, Any]] = {
    400: {"summary": errors.UNREADABLE},
    401: {"summary": errors.UNAUTHORIZED},
    403: {"summary": "This API key does not have the scope write. Make a key that has it."},
    404: {"summary": errors.NO_SUCH_ID},
    409: {"summary": "It is used by the sync Arrakis invoices. Delete or change that first."},
    412: {"summary": "It was changed since you read it, so nothing was changed now."},
    413: {"summary": errors.TOO_BIG},
    422: {
        "summary": errors.INVALID,
        "validation_errors": {"properties.secret": ["This field is required."]},
    },
    429: {"summary": "Too many requests with this API key. Wait as Retry-After says."},
    500: {"summary": errors.SERVER_ERROR},
    503: {"summary": errors.DATABASE_AWAY},
}


class Api(NinjaAPI):
    """Ninja's API, with short operation ids and a completed document."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.tags: dict[str, str] = {}

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def add_resource(self, path: str, name: str) -> None:
        """Mount the resource of that dotted name."""
        resource: Resource = import_string(name)
        self.add_router(path, resource)
        self.tags[resource.tag] = self.tags.get(resource.tag) or resource.about

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        return with_server(self.document, settings.PUBLIC_URL)

    @cached_property
    def document(self) -> OpenAPISchema:
        """Made once, as it takes a second: without a server, and not to be changed."""
        document = SharingSchema(self, self.get_root_path({}))
        describe(document)
        document["tags"] = [{"name": tag, "description": said} for tag, said in self.tags.items()]
        return document

    def serve_document(self, request: HttpRequest) -> JsonResponse:
        """The document, with the requested host as its server."""
        base = request.build_absolute_uri("/").rstrip("/")
        return JsonResponse(with_server(self.document, base))


def describe(document: dict[str, Any]) -> None:
    """Add to Ninja's document, in place, what Ninja can't know."""
    restore_published_names(document)
    schemas = document["components"]["schemas"]
    for kind in kinds.all():
        shape = schemas[kind.properties_class.__name__]
        for name, declared in shape["properties"].items():
            translate_property(declared, required=name in shape["required"])
    for shape in schemas.values():
        require_visible_character(shape)
    document["webhooks"] = webhooks.webhook_operations()
    for operation in operations(document):
        operation["summary"] = title_of(operation["operationId"])
        describe_body(operation, schemas)
        describe_answers(operation, schemas)
    for path in document["paths"].values():
        if "post" in path:
            describe_idempotency(path["post"])
    share_problems(document)
    examples.drop_examples(schemas)
    document["components"]["headers"] = {**HEADERS, "Retry-After": RETRY_AFTER, ETAG: ETAG_HEADER}
    describe_etags(document)
    links.add_links(document)
    drop_unreferenced(document)


def drop_unreferenced(document: dict[str, Any]) -> None:
    """Leave out the models that only group query parameters: nothing refers to them."""
    text = json.dumps(document, default=str)
    schemas = document["components"]["schemas"]
    for name in [name for name in schemas if f'"#/components/schemas/{name}"' not in text]:
        del schemas[name]


def restore_published_names(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name, published in PUBLISHED_NAMES.items():
        schemas[published] = schemas.pop(name)
    rename_schemas(document)


def rename_schemas(part: object) -> None:
    """Replace the names of schemas in every `$ref` and `title` of `part`, in place."""
    if isinstance(part, list):
        for each in part:
            rename_schemas(each)
    if not isinstance(part, dict):
        return
    for key, value in part.items():
        name = str(value).rpartition("/")[2]
        if key in ("$ref", "title") and name in PUBLISHED_NAMES:
            part[key] = str(value).replace(name, PUBLISHED_NAMES[name])
        else:
            rename_schemas(value)


def with_server(document: OpenAPISchema, base: str) -> OpenAPISchema:
    """A copy that names the server, also in its introduction."""
    served = copy(document)
    served["servers"] = [{"url": base, "description": "This installation."}]
    served["info"] = {**document["info"], "description": guide.introduction(base)}
    return served


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def title_of(operation_id: str) -> str:
    """list_oauth_apps -> List OAuth apps"""
    words = operation_id.replace("_", " ").capitalize()
    return words.replace("oauth", "OAuth").replace("Oauth", "OAuth").replace("api", "API")


def describe_body(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    body = operation.get("requestBody")
    if body:
        content = body["content"]["application/json"]
        content["examples"] = examples.body_examples(content["schema"], schemas)


def describe_answers(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    for status, answer in operation["responses"].items():
        answer["headers"] = {name: header(name) for name in HEADERS}
        if status in WITH_RETRY_AFTER:
            answer["headers"]["Retry-After"] = header("Retry-After")
        content = answer.get("content", {}).get("application/json")
        if content is None:
            continue
        if status in ERROR_EXAMPLES and examples.name_of(content["schema"]) == PROBLEM:
            content["example"] = ERROR_EXAMPLES[status]
        else:
            content["example"] = examples.example_of(content["schema"], schemas)


def header(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}


def describe_etags(document: dict[str, Any]) -> None:
    """Responses to GET have an ETag, and so have those to PATCH that takes `If-Match`."""
    shared = document["components"]["responses"]
    headers = {name: header(name) for name in (*HEADERS, ETAG)}
    shared[NOT_MODIFIED] = {"description": "It is what If-None-Match names.", "headers": headers}
    for path in document["paths"].values():
        taken = {p["name"] for p in path.get("patch", {}).get("parameters", [])}
        if "If-Match" in taken:
            path["patch"]["responses"][200]["headers"][ETAG] = header(ETAG)
        if "get" in path:
            path["get"]["responses"][200]["headers"][ETAG] = header(ETAG)
            path["get"]["responses"][304] = {"$ref": f"#/components/responses/{NOT_MODIFIED}"}
            path["get"].setdefault("parameters", []).append(IF_NONE_MATCH)


def share_problems(document: dict[str, Any]) -> None:
    """Move the error responses, which are the same everywhere, to the components."""
    shared: dict[str, Any] = {}
    for operation in operations(document):
        for status, answer in operation["responses"].items():
            content = answer.get("content", {}).get("application/json", {})
            if examples.name_of(content.get("schema", {})) == PROBLEM:
                name = f"{PROBLEM}{status}"
                shared[name] = answer
                operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    document["components"]["responses"] = shared


def describe_idempotency(operation: dict[str, Any]) -> None:
    operation.setdefault("parameters", []).append(idempotency.PARAMETER)
    for status, answer in operation["responses"].items():
        if 200 <= int(status) < 300:
            answer["headers"][idempotency.REPLAYED] = idempotency.REPLAYED_HEADER


def require_visible_character(shape: dict[str, Any]) -> None:
    """Require a visible character where one is required: surrounding white space is removed."""
    for declared in shape.get("properties", {}).values():
        for each in (declared, *declared.get("anyOf", ())):
            limited = each.keys() & {"pattern", "format", "enum", "const"}
            if each.get("type") == "string" and each.get("minLength") and not limited:
                each["pattern"] = VISIBLE_CHARACTER


def translate_property(declared: dict[str, Any], *, required: bool) -> None:
    """Replace the keywords of `Property()` by those of JSON Schema."""
    extra = {name: declared.pop(name) for name in PROPERTY_KEYWORDS if name in declared}
    if extra.get("match"):
        match = (
            extra["match"].replace(r"\S", r"[^\s]").replace(r"[^\s", VISIBLE_CHARACTER.rstrip("]"))
        )
        declared["pattern"] = f"^(?:{match})$"
    elif required and declared.get("type") == "string" and "const" not in declared:
        declared["minLength"] = 1
    if extra.get("read_only"):
        description = declared.get("description", "")
        declared["description"] = f"{description} Filled in by us; you may leave it out.".lstrip()
