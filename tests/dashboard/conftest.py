"""A logged-in owner, and the URLs of pages."""

import time

import pytest
from django.urls import reverse


@pytest.fixture
def owner(client, user, settings):
    settings.SIMULATOR_URL = "http://127.0.0.1:9"  # no provider answers
    client.force_login(user)
    return client


def address(name, *args):
    return reverse(f"dashboard:{name}", args=args)


def age_login(client, seconds=2 * 3600):
    """Make the login of the client's session that old."""
    session = client.session
    session["login_at"] = time.time() - seconds
    session.save()
