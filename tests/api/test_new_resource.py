"""A resource is one file and one line: here a new one, in processes of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.migrated_database import GIVEN

REPOSITORY = Path(__file__).parents[2]
# A resource as CONTRIBUTING.md asks for it. It keeps nothing.
MODULE = '''"""/v1/planets: where customers live."""

from typing import Any

from ninja import Query, Status

from sequin_admin.access.models import Scope
from sequin_admin.api.framework.auth import ApiRequest, require_scope
from sequin_admin.api.framework.errors import ERRORS
from sequin_admin.api.framework.pagination import PageParams
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.schemas import Body, Shape

router = Resource("Planets", "Where customers live.")


class PlanetCreate(Body):
    examples = {"the third of Canopus": {"name": "Arrakis"}}

    name: str


class PlanetShape(Shape):
    name: str


class PlanetList(Shape):
    data: list[PlanetShape]
    next_cursor: str | None


@router.get("", response={200: PlanetList, **ERRORS})
def list_planets(request: ApiRequest, filters: Query[PageParams]) -> Any:
    """None yet."""
    require_scope(request, Scope.READ)
    return {"data": [], "next_cursor": None}


@router.post("", response={201: PlanetShape, **ERRORS})
def create_planet(request: ApiRequest, payload: PlanetCreate) -> Any:
    """Name one."""
    require_scope(request, Scope.WRITE)
    return Status(201, payload)
'''
LINE = """
import sequin_admin.api
from sequin_admin.api.resources import RESOURCES

sequin_admin.api.__path__.append({folder!r})
RESOURCES.append(("/planets", "sequin_admin.api.planets.router"))
"""
LOOK = """
import json

import django

import one_line

django.setup()
from django.urls import resolve
from sequin_admin.api.urls import api

found = {"route": resolve("/v1/planets").route, "document": api.get_openapi_schema()}
print(json.dumps(found))
"""
WALKS = (
    *("tests/api/test_access.py", "tests/api/test_examples.py"),
    "tests/api/test_documents.py",
    "tests/api/test_walk.py",
)
CHOSEN = (
    "planets or nothing_opens or lists_show or every_example or every_tag or says_what_it_does"
    " or (scopes_open and read)"
)


@pytest.fixture
def run(tmp_path, migrated_file):
    """Run Python with the new resource on its path; returns what it printed."""
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "planets.py").write_text(MODULE)
    (tmp_path / "one_line.py").write_text(LINE.format(folder=str(tmp_path / "api")))
    path = os.pathsep.join((str(tmp_path), str(REPOSITORY)))
    env = {**os.environ, "PYTHONPATH": path, "DJANGO_SETTINGS_MODULE": "sequin_admin.settings"}
    env[GIVEN] = str(migrated_file)

    def run(*arguments):
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_a_resource_is_one_file_and_one_line(run):
    seen = json.loads(run("-c", LOOK))

    document = seen["document"]
    made = document["paths"]["/v1/planets"]["post"]
    examples = made["requestBody"]["content"]["application/json"]["examples"]
    assert seen["route"] == "v1/planets"
    assert {"name": "Planets", "description": "Where customers live."} in document["tags"]
    assert made["tags"] == ["Planets"]
    assert examples["the_third_of_Canopus"]["value"] == {"name": "Arrakis"}
    assert {"PlanetCreate", "PlanetShape", "PlanetList"} <= set(document["components"]["schemas"])


def test_what_holds_for_every_resource_is_asked_of_a_new_one(run):
    """Access by key, scope and organization, its examples, and the document."""
    options = ("-v", "-p", "no:cacheprovider", "-p", "one_line", "-k", CHOSEN)

    printed = run("-m", "pytest", *options, *WALKS)

    assert "test_nothing_opens_without_a_key PASSED" in printed
    assert "test_lists_show_nothing_of_other_organizations PASSED" in printed
    assert "test_every_example_is_accepted PASSED" in printed
    assert "test_scopes_open_their_operations_and_no_others[read] PASSED" in printed
