"""A logged-in owner, and the URLs of pages."""

import pytest
from django.urls import reverse


@pytest.fixture
def owner(client, user, settings):
    settings.SIMULATOR_URL = "http://127.0.0.1:9"  # no provider answers
    client.force_login(user)
    return client


def address(name, *args):
    return reverse(f"dashboard:{name}", args=args)
