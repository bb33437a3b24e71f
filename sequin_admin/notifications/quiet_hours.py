"""Quiet hours: when nobody wants to be woken. Pure."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class DailyQuietHours:
    """From `starts` until `ends` by the clock on the wall in `zone`; past midnight if need be."""

    starts: time
    ends: time
    zone: ZoneInfo

    def at(self, moment: datetime) -> bool:
        wall = moment.astimezone(self.zone).time()
        if self.starts <= self.ends:
            return self.starts <= wall < self.ends
        return wall >= self.starts or wall < self.ends

    def over(self, moment: datetime) -> datetime:
        """The first moment from `moment` on that is not quiet.

        Minute by minute: then days of 23 and 25 hours need no thought.
        """
        while self.at(moment):
            moment = moment.replace(second=0, microsecond=0) + MINUTE
        return moment
