"""Stripe's own rules."""

import pytest
from django.urls import reverse

from sequin_admin.credentials import kinds


@pytest.mark.parametrize(
    ("secret", "test", "sentence"),
    [
        ("sk_test_abc", "", "This is a test key. Tick the test mode."),
        ("rk_live_abc", "on", "This is a live key. Clear the test mode."),
    ],
)
def test_the_mode_must_be_that_of_the_key(client, user, secret, test, sentence):
    client.force_login(user)

    answer = client.post(
        reverse("dashboard:add", args=["stripe_key"]),
        {"name": "Arrakis", "secret": secret, "test": test},
    )

    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_names_read_as_in_the_specification():
    kind = kinds.get("stripe_oauth2")

    assert kind.suggest_name({"name": "Arrakis [TEST]"}) == "Arrakis [TEST]"


@pytest.mark.parametrize(("secret", "test"), [("sk_test_abc", True), ("sk_live_abc", False)])
def test_where_nobody_says_the_mode_the_key_does(secret, test):
    declared = kinds.get("stripe_key").properties_class

    parsed = declared.model_validate({"kind": "stripe_key", "name": "Arrakis", "secret": secret})

    assert parsed.test is test
