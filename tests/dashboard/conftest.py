"""Somebody who may do everything, and the addresses of the pages."""

import pytest
from django.urls import reverse


@pytest.fixture
def owner(client, user, settings):
    settings.SIMULATOR_URL = "http://127.0.0.1:9"  # nobody answers
    client.force_login(user)
    return client


def address(name, *args):
    return reverse(f"dashboard:{name}", args=args)
