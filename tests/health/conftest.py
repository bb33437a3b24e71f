"""A clock that a test moves."""

from datetime import timedelta

import pytest

from sequin_admin.core import clock


@pytest.fixture
def hours(monkeypatch):
    """A stopped clock; `hours.pass_by(timedelta)` moves on.

    It begins a little late, so that rows whose columns have the real clock for a default are old.
    """

    class Hours:
        now = clock.now() + timedelta(minutes=10)

        def pass_by(self, gap):
            self.now += gap

    clockwork = Hours()
    monkeypatch.setattr(clock, "now", lambda: clockwork.now)
    return clockwork
