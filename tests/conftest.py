"""Fixtures that every test may use: people, an organization, the simulator."""

import gc
import os
import signal
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.apps import apps as django_apps
from django.conf import settings
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.management import create_contenttypes
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models.signals import post_migrate
from django.test import Client

from sequin_admin.access import addresses
from sequin_admin.access.models import Membership, Organization, User
from sequin_admin.access.policy import Role
from sequin_admin.audit import triggers
from sequin_admin.core import http
from tests.one_kind import repeated

pytest_plugins = [
    *(
        "tests.simulator_server",
        "tests.connect_sessions",
        "tests.api_client",
        "tests.connected_sdks",
    ),
    *("tests.notified", "tests.redis_server", "tests.database_server", "tests.migrated_database"),
    *("tests.scripted_server", "tests.impostor_server", "tests.postgres_cluster"),
    *("tests.collector", "tests.oauth_server.process", "tests.trusted_authority"),
]


# The time of an example depends on the machine.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


def pytest_configure() -> None:
    # What is collected stays: to look through it again and again takes a third of the time.
    gc.disable()
    # SIGTERM stops what the tests have started, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # The product's hasher would take a third of a second for each of thousands of users.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "Leave out what uses none."
    parser.addoption("--needs-database", action="store_true", help=told)
    told = "Leave out all kinds but one where a test has them all."
    parser.addoption("--one-kind", action="store_true", help=told)


def needs_database(item: pytest.Item) -> bool:
    """Whether the test may use the database, so that another one can make a difference."""
    marked = item.get_closest_marker("django_db") or item.get_closest_marker("postgresql")
    fixtures = {"db", "transactional_db", "live_server", "django_db_setup"}
    return marked is not None or not fixtures.isdisjoint(getattr(item, "fixturenames", ()))


# Begun first, so that none of them is all that is left for one process at the end. Those of the
# first name come one after the other, as each takes all cores.
LONGEST = (
    "tools/test_chaos",
    "browser/test_pages.py",
    "tools/",
    "browser/",
    "limits/test_accuracy",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = set[int]()
    if config.getoption("one_kind"):
        left_out |= {id(item) for item in repeated(items)}
    if config.getoption("needs_database"):
        left_out |= {id(item) for item in items if not needs_database(item)}
    config.hook.pytest_deselected(items=[each for each in items if id(each) in left_out])
    items[:] = [each for each in items if id(each) not in left_out]
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    items[:] = deal(items, workers)
    if connection.vendor != "postgresql":
        elsewhere = pytest.mark.skip(reason="This is about PostgreSQL: make test asks it there.")
        for item in items:
            if item.get_closest_marker("postgresql"):
                item.add_marker(elsewhere)


def pytest_collection_finish() -> None:
    # Thousands of tests stay, and would be walked through by each full garbage collection.
    gc.collect()
    gc.freeze()
    # What a test makes is thrown away at its end: seldom is enough.
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


def flush_past_triggers(flush: Any) -> Any:
    """As Django empties the tables after a test; SQLite has only DELETE for it, which the triggers
    of the audit log refuse. PostgreSQL's TRUNCATE goes past them."""

    def sql_flush(*args: Any, **kwargs: Any) -> list[str]:
        statements = flush(*args, **kwargs)
        return [*triggers.dropping("sqlite"), *statements, *triggers.creating("sqlite")]

    return sql_flush


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """What Django writes after each migration, and so after each test that empties the tables, is
    copied from the first time: it takes long to work out."""
    with django_db_blocker.unblock():
        written = [list(model.objects.order_by("pk")) for model in (ContentType, Permission)]
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    post_migrate.disconnect(create_contenttypes)
    if connection.vendor == "sqlite":
        # Of the class: a browser test has connections of its own.
        operations = type(connection.ops)
        operations.sql_flush = flush_past_triggers(operations.sql_flush)  # type: ignore[method-assign]

    def write_again(**kwargs: Any) -> None:
        ContentType.objects.clear_cache()
        for rows in written:
            type(rows[0]).objects.bulk_create(rows, ignore_conflicts=True)

    post_migrate.connect(write_again, sender=django_apps.get_app_config("audit"), weak=False)


def length_rank(item: pytest.Item) -> int:
    """Where in `LONGEST` the test's file stands; its length for all others."""
    path = str(item.path.relative_to(Path(__file__).parent))
    matching = (rank for rank, name in enumerate(LONGEST) if path.startswith(name))
    return next(matching, len(LONGEST))


def deal(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """The order in which each worker, which is given a part of the list, begins with long ones."""
    ranked = sorted(items, key=length_rank)
    alone = [item for item in ranked if length_rank(item) == 0]
    longest = [item for item in ranked if 0 < length_rank(item) < len(LONGEST)]
    hands = deal_longest(longest, workers)
    others = [item for item in ranked if length_rank(item) == len(LONGEST)]
    size, dealt = -(-len(items) // workers), list[pytest.Item]()
    for number in range(workers):
        hand = [*(alone if number == 0 else ()), *hands[number]]
        rest = max(size - len(hand), 0)
        dealt += [*hand, *others[:rest]]
        others = others[rest:]
    return [*dealt, *others]


def deal_longest(items: list[pytest.Item], workers: int) -> list[list[pytest.Item]]:
    """Part by part, each to who has the fewest: the tests of a file in `tools/`, which start the
    product once for all of them, are one part."""
    parts: dict[object, list[pytest.Item]] = {}
    for item in items:
        whole = length_rank(item) == LONGEST.index("tools/")
        parts.setdefault(item.path if whole else id(item), []).append(item)
    hands = [list[pytest.Item]() for _ in range(workers)]
    for part in parts.values():
        min(reversed(hands), key=len).extend(part)
    return hands


@pytest.fixture(scope="session", autouse=True)
def _hang_up() -> Iterator[None]:
    """Close the idle connections of the HTTP clients."""
    yield
    for provider, named in product((True, False), repeat=2):
        http._client(provider, named).close()


@pytest.fixture
def organization(db: None) -> Organization:
    return Organization.objects.create(name="Arrakis", slug="arrakis")


@pytest.fixture
def user(organization: Organization) -> User:
    """An owner of the organization."""
    return make_member(organization, "paul@arrakis.test", Role.OWNER)


@pytest.fixture
def viewer(organization: Organization) -> User:
    return make_member(organization, "chani@arrakis.test", Role.VIEWER)


@pytest.fixture
def stranger(db: None) -> User:
    """A user of another organization."""
    other = Organization.objects.create(name="Giedi Prime", slug="giedi-prime")
    return make_member(other, "feyd@giedi-prime.test", Role.OWNER)


def make_member(organization: Organization, email: str, role: Role) -> User:
    user = User.objects.create_user(username=email, email=email, password="spice must flow")
    addresses.confirm_address(user)
    Membership.objects.create(organization=organization, user=user, role=role)
    return user


def confirm_login(client: Client) -> Client:
    """Make the login of this client a fresh one."""
    session, user = client.session, client.session["_auth_user_id"]
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time(), "reauthenticated": True}
    ]
    session["account_authentication_methods_user"] = user
    session.save()
    return client


@pytest.fixture
def simulated(simulator, settings):
    """The simulator in place of every provider."""
    settings.SIMULATOR_URL = simulator.url
    return simulator
