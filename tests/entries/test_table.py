"""Everything in the table through every door: forms, API, bulk, files, connect sessions."""

import csv
import io
import json
from itertools import zip_longest
from typing import Any, Literal, get_origin

import pytest
import yaml

from sequin_admin.api.kinds import KindShape, kind_out
from sequin_admin.command_line import formats
from sequin_admin.connect import flow
from sequin_admin.connect.models import ConnectSession
from sequin_admin.credentials import kinds
from sequin_admin.credentials.forms import OAuthAppForm, PropertiesForm, title_of
from sequin_admin.credentials.models import Credential, OAuthApp
from tests.entries.table import APPS, CASES, FILES, LISTS, SAME, Refused
from tests.factories import make_oauth_app, sample_properties, sample_values


@pytest.fixture(scope="module")
def shapes():
    return formats.shapes_of(
        KindShape.model_validate(kind_out(k)).model_dump() for k in kinds.all()
    )


def wrong(cases, arrives):
    """The cases of which something else arrives, with what it is."""
    said = []
    for slug, name, entered, kept in cases:
        result = arrives(slug, name, entered)
        if isinstance(kept, Refused):
            good = isinstance(result, Refused) and result.sentence.startswith(
                wanted(slug, name, kept)
            )
        else:
            good = result == (entered if kept is SAME else kept)
        if not good:
            said.append((slug, name, entered, result))
    return said


def wanted(slug, name, refused):
    kind = kinds.find(slug)
    declared = kind.properties_class if kind else kinds.oauth_of(slug).app
    return refused.sentence.format(title=title_of(declared, name))


def of_form(form, name):
    if form.is_valid():
        return form.properties.plain_values().get(name)
    return Refused(" ".join(form.errors.get(name, [str(form.errors.as_json())])))


def test_forms():
    def arrives(slug, name, entered):
        data = sample_properties(kinds.get(slug)) | {name: entered}
        flat = {n: " ".join(v) if isinstance(v, list) else v for n, v in data.items()}
        return of_form(PropertiesForm(kinds.get(slug).properties_class, flat), name)

    # What is chosen from a list can't be written in another way there.
    typed = [case for case in CASES if not is_chosen(case)]
    assert wrong(typed, arrives) == []


def is_chosen(case):
    declared = kinds.get(case[0]).properties_class
    return get_origin(declared.model_fields[case[1]].annotation) is Literal


def test_lists(api, shapes):
    """As a text in forms and files, as a list in JSON."""
    declared, sample = kinds.get("hubspot_oauth2").properties_class, {"hub_id": "1"}
    said = []
    for entered in LISTS:
        written = {**sample, "refresh_token": "a", "scopes": entered}
        if isinstance(entered, str):
            form = PropertiesForm(declared, written)
            app = OAuthAppForm(
                kinds.oauth_of("hubspot").app,
                {"name": "x", "client_id": "y", "client_secret": "z", "scopes": entered},
            )
            file = csv_of({"kind": "hubspot_oauth2", **written})
            found = [
                of_form(form, "scopes"),
                app.is_valid() and app.cleaned_data["scopes"],
                of_file(file, shapes)["scopes"],
            ]
        else:
            body = {"kind": "hubspot_oauth2", **written, "hub_id": 1}
            answer = api.post("/v1/credentials/bulk", {"credentials": [{"properties": body}]})
            assert answer.status_code == 200, answer.content
            found = [Credential.objects.get().properties["scopes"]]
            Credential.objects.all().delete()
        said += [(entered, each) for each in found if each != ["oauth", "tickets"]]
    assert said == []


def test_forms_of_oauth_apps():
    def arrives(provider, name, entered):
        declared = kinds.oauth_of(provider).app
        data = {**sample_values(declared), "name": "x", "client_id": "y", name: entered}
        return of_form(OAuthAppForm(declared, data), name)

    assert wrong(APPS, arrives) == []


def test_bulk(api):
    """The import of one looks at values in the same way."""
    refused = [case for case in CASES if isinstance(case[3], Refused)]
    answer = api.post("/v1/credentials/bulk", {"credentials": [row_of(*c[:3]) for c in refused]})
    said = answer.json()["validation_errors"]
    reasons = {
        case[:3]: refused_by_api(said, f"credentials.{row}.properties.{case[1]}", case)
        for row, case in enumerate(refused)
    }
    assert wrong(refused, lambda *case: reasons[case]) == []

    taken = [case for case in CASES if not isinstance(case[3], Refused)]
    stored = {}
    for batch in batches_of(taken):
        rows = [row_of(*case[:3]) for case in batch]
        answer = api.post("/v1/credentials/bulk", {"credentials": rows})
        assert answer.status_code == 200, answer.content
        by_kind = {row.kind: {**row.properties, **row.secrets} for row in Credential.objects.all()}
        stored |= {case[:3]: by_kind[case[0]][case[1]] for case in batch}
        Credential.objects.all().delete()
    assert wrong(taken, lambda *case: stored[case]) == []


def row_of(slug, name, entered):
    return {"properties": {**sample_properties(kinds.get(slug)), name: entered}}


def batches_of(cases):
    """In each, one of a kind: more could be the same account."""
    of_kind = {}
    for case in cases:
        of_kind.setdefault(case[0], []).append(case)
    return [[case for case in batch if case] for batch in zip_longest(*of_kind.values())]


def refused_by_api(said, path, case):
    """The API says in a word what a form says in a sentence with the property's title."""
    slug, name, *_ = case
    [sentence] = said[path]
    general = sentence == "This does not have the form that the provider uses."
    title = wanted(slug, name, Refused("{title}"))
    if general:
        return Refused(f"{title} does not have the form")
    if sentence == "Send an integer: a whole number in digits.":
        return Refused(f"{title} is not valid: enter a whole number")
    return Refused(sentence)


def test_api_of_oauth_apps(api):
    def arrives(provider, name, entered):
        values = {**sample_values(kinds.oauth_of(provider).app), name: entered}
        secret = values.pop("client_secret")
        body = {"provider": provider, "name": "x", "client_id": "y", "client_secret": secret}
        answer = api.post("/v1/oauth-apps", body | {"properties": values})
        if answer.status_code == 422:
            said = answer.json()["validation_errors"]
            return refused_by_api(said, f"properties.{name}", (provider, name))
        stored = OAuthApp.objects.get()
        stored.delete()
        return {**stored.properties, **stored.secrets}.get(name)

    assert wrong(APPS, arrives) == []


def test_connect_sessions(organization):
    """What is asked before the consent page: by the dashboard, a link, an authorization request."""
    asked = [
        case
        for case in CASES
        if kinds.get(case[0]).oauth
        and case[1] in kinds.get(case[0]).oauth.required_properties
        and not isinstance(case[3], Refused)
    ]
    apps = {"shopify": None, "salesforce": None}
    apps = {provider: make_oauth_app(organization, provider) for provider in apps}

    def arrives(slug, name, entered):
        kind = kinds.get(slug)
        samples = sample_properties(kind)
        inputs = {n: samples[n] for n in kind.oauth.required_properties} | {name: entered}
        app = apps.get(kind.provider)
        flow.start(organization, kind, session_key="x", oauth_app=app, inputs=inputs)
        session = ConnectSession.objects.get()
        session.delete()
        return session.secrets["asked"][name]

    assert len(asked) >= 20
    assert wrong(asked, arrives) == []


WRITERS = {
    "csv": lambda body: csv_of({"kind": body["kind"], **body}),
    "json": lambda body: json.dumps([{"properties": body}]),
    "yaml": lambda body: yaml.safe_dump({"data": [{"properties": body}]}, allow_unicode=True),
}


def csv_of(values: dict[str, Any]) -> str:
    out = io.StringIO()
    cells = [" ".join(v) if isinstance(v, list) else v for v in values.values()]
    csv.writer(out).writerows([list(values), cells])
    return out.getvalue()


@pytest.mark.parametrize("format", WRITERS)
def test_files(shapes, format):
    def arrives(slug, name, entered):
        body = {**sample_properties(kinds.get(slug)), name: entered}
        reading = formats.read(WRITERS[format](body).encode(), "auto", shapes)
        if reading.problems:
            return Refused(reading.problems[0].sentence)
        sent = reading.items[0].body["properties"]
        form = PropertiesForm(kinds.get(slug).properties_class, {})
        try:
            parsed = kinds.get(slug).properties_class.model_validate(sent)
        except ValueError as invalid:
            form.cleaned_data, form._errors = {}, {}
            form.explain(invalid)
            return Refused(" ".join(form.errors.get(name, [])))
        return parsed.plain_values()[name]

    # The program itself refuses what has no digit, in other words.
    shared = [case for case in CASES if case[2] != "many"]
    assert wrong(shared, arrives) == []


def test_whole_files(shapes):
    said = []
    for text, wanted_ in FILES:
        result = of_file(text, shapes)
        if isinstance(wanted_, Refused):
            good = isinstance(result, Refused) and result.sentence.startswith(wanted_.sentence)
        else:
            good = isinstance(result, dict) and all(
                str(result.get(name)).startswith(value)
                if name == "note"
                else result.get(name) == value
                for name, value in wanted_.items()
            )
        if not good:
            said.append((text, wanted_, result))
    assert said == []


def of_file(text, shapes):
    try:
        reading = formats.read(text.encode(), "auto", shapes)
    except formats.Unreadable as refused:
        return Refused(str(refused))
    if reading.problems:
        return Refused(reading.problems[0].sentence)
    [item] = reading.items
    properties = item.body["properties"]
    parsed = kinds.get(item.kind).properties_class.model_validate(properties)
    metadata = {f"metadata.{name}": v for name, v in item.body.get("metadata", {}).items()}
    outside = {"note": item.note, "body.name": item.body.get("name")}
    return {**parsed.plain_values(), **metadata, **outside}


def test_the_table_is_long_enough():
    assert len(CASES) + len(APPS) + len(FILES) >= 120
