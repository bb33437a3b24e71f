"""Every order of the actors that use one chain of refresh tokens.

An order that fails is printed as a story, with the command that runs it again.
"""

import os
from itertools import combinations_with_replacement

import pytest

# Each makes what the actor does in one run.
ACTORS = {
    "worker": lambda world: world.renew,
    "reader": lambda world: world.read,
    "refused reader": lambda world: world.read_again,
    "import": lambda world: world.reimport,
    "bulk import": lambda world: world.reimport_in_bulk,
    "form": lambda world: world.reenter,
    "name": lambda world: world.rename,
    "new token": lambda world: world.edit(),
    "customer": lambda world: world.reconnect(),
    "expiry": lambda world: world.expire_again,
    "worker ahead": lambda world: world.with_clock_ahead(world.renew),
    "reader ahead": lambda world: world.with_clock_ahead(world.read),
    "SIGTERM": lambda world: world.stop("worker"),
}
# Those that are walked only beside some, as the others make no difference to them.
BESIDE = {
    "SIGTERM": {"worker"},
    "worker ahead": {"worker", "reader", "customer"},
    "reader ahead": {"worker", "reader", "customer"},
}
PAIRS = [
    pair
    for pair in combinations_with_replacement(ACTORS, 2)
    if pair[0] in BESIDE.get(pair[1], ACTORS)
]
CLOCKS = {"worker ahead", "reader ahead"}
TRIPLES = [("worker", "reader", name) for name in list(ACTORS)[2:] if name not in CLOCKS]
RENEWING = {"worker", "reader", "refused reader"}
pytestmark = pytest.mark.django_db(transaction=True)


def case(names, *marks):
    return pytest.param(names, marks=marks, id=", ".join(names))


def titled(names):
    """The names, each with a number from its second time on."""
    return [(f"{name} {at}" if name in names[:at] else name, name) for at, name in enumerate(names)]


def assert_all_orders(world, names, request, **bounds):
    """Walk the orders. Fails with the story of the first that breaks a promise."""
    walk = world.walk(lambda: {t: ACTORS[name](world) for t, name in titled(names)}, **bounds)
    order = os.environ.get("ORDER")
    for run in [walk.replay(order)] if order else walk.all():
        again = f"Again: ORDER={run.order} python -m pytest '{request.node.nodeid}'"
        assert not run.problems, "\n".join(["", *run.story, *run.problems, again])
    assert order or walk.runs > 1


# In `make test`: those that lost a token before there were leases and fences.
SHORT = [("worker", name) for name in ("reader", "import", "customer", "SIGTERM")]


@pytest.mark.parametrize(
    "names", [case(pair, *([] if pair in SHORT else [pytest.mark.faults])) for pair in PAIRS]
)
def test_two_actors(world, names, request):
    assert_all_orders(world, names, request)


# A reader renews with the worker's lease, journal and fence, and meets every actor above: here the
# worker does.
REPEATED = [
    case(pair, pytest.mark.faults if "worker" in pair else pytest.mark.drills)
    for pair in PAIRS
    if RENEWING & set(pair)
]


@pytest.mark.parametrize("names", REPEATED)
def test_two_actors_where_the_provider_repeats_its_answer(make_world, names, request):
    assert_all_orders(make_world("linear_oauth2"), names, request)


@pytest.mark.parametrize(
    "most_preemptions",
    [pytest.param(1, marks=pytest.mark.faults), pytest.param(3, marks=pytest.mark.drills)],
)
@pytest.mark.parametrize("names", TRIPLES, ids=", ".join)
def test_three_actors(world, names, most_preemptions, request):
    assert_all_orders(world, names, request, most_preemptions=most_preemptions)
