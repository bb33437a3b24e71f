"""Usage across the fleet: order, filters, CSV."""

import csv
from datetime import timedelta

import pytest

from sequin_admin.core import clock
from sequin_admin.limits.models import UsageSummary
from tests.factories import make_credential

URL = "/usage/"


@pytest.fixture
def rows(organization):
    """By how much they used in the last hour: half, none, nearly all, of three providers."""
    uses = {
        "sendgrid_key": {"hour_share": 0.5, "day_share": 0.9, "day_granted": 40},
        "checkout_champ_password": {"day_refused": 7},
        "stripe_key": {
            "hour_share": 0.96,
            "hour_granted": 1_234,
            "day_throttled": 3,
            "resets_at": clock.now() + timedelta(minutes=9, seconds=30),
        },
    }
    for kind, columns in uses.items():
        credential = make_credential(organization, kind, name=f"Of {kind}")
        UsageSummary.objects.create(
            organization=organization,
            credential=credential,
            provider=credential.provider,
            **columns,
        )


def listed(client, **query) -> list[str]:
    page = client.get(URL, query).content.decode()
    known = {
        each: page.find(f">Of {each}<")
        for each in ("sendgrid_key", "checkout_champ_password", "stripe_key")
    }
    found = {at: name.split("_")[0] for name, at in known.items() if at >= 0}
    return [found[at] for at in sorted(found)]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["stripe", "sendgrid", "checkout"]),
        ({"sort": "hour"}, ["checkout", "sendgrid", "stripe"]),
        ({"sort": "-day"}, ["sendgrid", "stripe", "checkout"]),
        ({"sort": "-refused"}, ["checkout", "stripe", "sendgrid"]),
        ({"sort": "-throttled"}, ["stripe", "checkout", "sendgrid"]),
        ({"sort": "reset", "use": "near"}, ["stripe"]),
        ({"sort": "nonsense", "use": "nonsense"}, ["stripe", "sendgrid", "checkout"]),
        ({"use": "used"}, ["sendgrid"]),
        ({"use": "refused"}, ["checkout"]),
        ({"use": "throttled"}, ["stripe"]),
        ({"provider": "sendgrid"}, ["sendgrid"]),
        ({"provider": "nobody"}, []),
        ({"q": "stripe"}, ["stripe"]),
        ({"q": "status:nonsense"}, []),
    ],
)
def test_it_is_ordered_and_narrowed(owner, rows, query, names):
    assert listed(owner, **query) == names


def test_a_row_says_share_calls_and_reset(owner, rows):
    page = owner.get(URL).content.decode()

    assert "96 % <span" in page
    assert "1,234 calls" in page
    assert "in 9 min" in page


def test_it_asks_little_and_shows_no_other_organization(
    owner, rows, stranger, django_assert_max_num_queries
):
    with django_assert_max_num_queries(12):
        owner.get(URL)
    owner.force_login(stranger)

    assert listed(owner) == []


@pytest.mark.parametrize(
    ("search", "found"),
    [
        *(("plan:pro", True), ("plan:pr", False), ("pro:plan", False), ("seats:7", True)),
        *(("note:paid", True), ("plan:pro status:healthy", False), ("paid plan:pro", True)),
    ],
)
def test_it_is_found_by_the_metadata_of_its_credential(owner, organization, search, found):
    named = make_credential(
        organization, "stripe_key", name="note:paid", metadata={"plan": "pro", "seats": 7}
    )
    UsageSummary.objects.create(organization=organization, credential=named, hour_share=0.9)

    assert (">note:paid<" in owner.get(URL, {"q": search}).content.decode()) is found


def test_a_disabled_credential_is_left_out(owner, organization):
    off = make_credential(organization, "stripe_key", name="Off", disabled_at=clock.now())
    UsageSummary.objects.create(organization=organization, credential=off, hour_share=0.9)

    assert ">Off<" not in owner.get(URL).content.decode()


def test_the_csv_has_what_the_filters_leave(owner, rows):
    answer = owner.get(URL, {"format": "csv", "use": "near"})
    (row,) = csv.DictReader(b"".join(answer.streaming_content).decode().splitlines())

    assert (row["name"], row["hour_share"], row["hour_granted"]) == (
        "Of stripe_key",
        "0.96",
        "1234",
    )
