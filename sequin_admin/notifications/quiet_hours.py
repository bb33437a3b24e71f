"""Daily quiet hours in a time zone. Pure."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class DailyQuietHours:
    """From `starts` until `ends` in local time of `zone`; past midnight if `ends` is earlier."""

    starts: time
    ends: time
    zone: ZoneInfo

    def contains(self, moment: datetime) -> bool:
        local = moment.astimezone(self.zone).time()
        if self.starts <= self.ends:
            return self.starts <= local < self.ends
        return local >= self.starts or local < self.ends

    def end_after(self, moment: datetime) -> datetime:
        """The first moment from `moment` on outside of quiet hours.

        Steps by minutes, which is right on days of 23 and 25 hours too.
        """
        while self.contains(moment):
            moment = moment.replace(second=0, microsecond=0) + MINUTE
        return moment
