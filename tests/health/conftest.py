"""A clock that tests set."""

from datetime import timedelta

import pytest

from sequin_admin.core import clock


@pytest.fixture
def hours(monkeypatch):
    """A stopped clock; `hours.pass_by(timedelta)` advances it.

    It starts in the future, so that rows with default timestamps of the real clock are old.
    """

    class Hours:
        now = clock.now() + timedelta(minutes=10)

        def pass_by(self, gap):
            self.now += gap

    clockwork = Hours()
    monkeypatch.setattr(clock, "now", lambda: clockwork.now)
    return clockwork
