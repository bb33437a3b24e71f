"""The walk finds the faults that it is made for: each is put into the product, and is found.

A name that the product has no longer fails here: the fault is then to be put where the code went.
"""

import re
import time
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction
from django.db.models import DateTimeField, Value

from sequin_admin.connect import credential_operations
from sequin_admin.connect.entered import MergeResult
from sequin_admin.core import clock
from sequin_admin.core import leases as core_leases
from sequin_admin.credentials.models import Credential
from sequin_admin.tokens import grants, models, renewal, renewal_leases
from sequin_admin.tokens.models import Token
from sequin_admin.worker import runner
from tests.schedules.test_orders import assert_all_orders

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]


def no_fence_check(patch):
    store = grants.store_grant
    patch.setattr(grants, "store_grant", lambda credential, grant, **_: store(credential, grant))


def no_compare_and_swap(patch):
    """Compare with the row as it is now, not with the one that was read."""
    take_from_anybody(patch, lambda seen: not (seen.lease_until and seen.lease_until > clock.now()))


def no_lease(patch):
    take_from_anybody(patch, lambda seen: True)


def take_from_anybody(patch, may_take):
    acquire = renewal_leases.acquire_lease

    def acquire_any(seen):
        if not may_take(seen):
            return None
        with transaction.atomic():
            Token.objects.filter(pk=seen.pk).update(lease_until=None)
            return acquire(Token.objects.get(pk=seen.pk))

    patch.setattr(renewal_leases, "acquire_lease", acquire_any)


def no_journal(patch):
    patch.setattr(renewal_leases, "find_unanswered", lambda journal: [])


def no_previous_token(patch):
    save = grants.save_new_secrets

    def save_newest_only(credential, token, grant):
        save(credential, token, grant)
        token.previous_until = None

    patch.setattr(grants, "save_new_secrets", save_newest_only)


def import_overwrites(patch):
    save = credential_operations.save_credential

    @transaction.atomic
    def save_credential(organization, properties, *, grant=None, **options):
        if grant:
            return save(organization, properties, grant=grant, **options)
        row = Credential.objects.of(organization).select_for_update().get()
        row.secrets = properties.secret_values()
        row.save()
        Token.objects.filter(pk=row.pk).delete()
        Token.objects.create(credential=row, refresh_at=clock.now())
        return credential_operations.Saved(row, is_new=False, change=MergeResult())

    patch.setattr(credential_operations, "save_credential", save_credential)


def times_of_the_process(patch):
    """In the place of the database's."""

    def process_time(shift=timedelta(), *, stored=False):
        return Value(clock.now() + shift, output_field=DateTimeField())

    for module in (core_leases, renewal_leases, models, grants):
        patch.setattr(module, "DatabaseTime", process_time)


def sigterm_cuts_calls(patch):
    patch.setattr(
        runner, "stop_pools", lambda pools: [pool.stop(time.monotonic(), int) for pool in pools]
    )


@dataclass(frozen=True)
class Mutant:
    """`finds`: what is said of the orders that the fault breaks."""

    put: Any
    actors: Any
    finds: str
    kind: str = "airtable_oauth2"
    most_preemptions: int | None = None


def killed_worker(world):
    return {"worker": world.renew, "kill -9": world.kill("worker"), "reader": world.read}


def used_elsewhere(world):
    """The token that is stored is the second of its chain, and its access token has expired."""
    renewal.refresh(world.row(), force=True)
    world.expire()
    return {"somebody": world.use_elsewhere, "reader": world.read}


MUTANTS = [
    Mutant(
        no_fence_check,
        lambda world: {"worker": world.renew, "customer": world.reconnect()},
        "The refresh token of an older grant is stored over a newer one's.",
    ),
    Mutant(
        no_compare_and_swap,
        lambda world: {"reader": world.read, "other reader": world.read},
        "hold the lease at once",
    ),
    Mutant(
        no_lease,
        lambda world: {"reader": world.read, "other reader": world.read},
        "hold the lease at once",
    ),
    Mutant(no_journal, killed_worker, "reader was told invalid_grant", most_preemptions=2),
    Mutant(
        no_previous_token, used_elsewhere, "reader was told invalid_grant", kind="linear_oauth2"
    ),
    Mutant(
        import_overwrites,
        lambda world: {"worker": world.renew, "import": world.reimport},
        "The refresh token that is stored was used",
    ),
    Mutant(
        times_of_the_process,
        lambda world: {"worker": world.renew, "reader": world.with_clock_ahead(world.read)},
        "hold the lease at once",
    ),
    Mutant(
        times_of_the_process,
        lambda world: {"reader": world.read, "worker": world.with_clock_ahead(world.renew)},
        "which is too late",
    ),
    Mutant(
        sigterm_cuts_calls,
        lambda world: {"worker": world.renew, "SIGTERM": world.stop("worker")},
        "The refresh token that is stored was used",
    ),
]


def problems_of(make_world, mutant):
    """What is wrong in any order, as the walk comes to it."""
    world = make_world(mutant.kind)
    walk = world.walk(lambda: mutant.actors(world), most_preemptions=mutant.most_preemptions)
    return (problem for run in walk.all() for problem in run.problems)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.put.__name__)
def test_the_fault_is_found(make_world, mutant, monkeypatch):
    mutant.put(monkeypatch)

    assert any(mutant.finds in problem for problem in problems_of(make_world, mutant))


def test_an_order_that_fails_is_a_story_that_can_be_replayed(world, monkeypatch):
    import_overwrites(monkeypatch)
    request = SimpleNamespace(node=SimpleNamespace(nodeid="a test"))
    with pytest.raises(AssertionError) as found:
        assert_all_orders(world, ("worker", "import"), request)
    story = str(found.value)
    assert "1. worker: " in story
    assert "The refresh token that is stored was used" in story
    order = re.search(r"Again: ORDER=([AB]+) python -m pytest 'a test'", story)[1]

    monkeypatch.setenv("ORDER", order)

    with pytest.raises(AssertionError, match=re.escape(story)):
        assert_all_orders(world, ("worker", "import"), request)


@pytest.mark.parametrize("mutant", MUTANTS[2:5], ids=lambda mutant: mutant.put.__name__)
def test_without_the_fault_there_is_nothing_to_find(make_world, mutant):
    """The others are among the orders of two actors."""
    assert list(problems_of(make_world, mutant)) == []
