"""Rows that live: what an account holds at any moment, computed rather than stored.

An account's collection has a **log** of changes, and position `q` of the log is a pure function of
(seed, account, collection, q). The positions 0 to `base - 1` create the rows that were there when
the simulator began; each later one is a beat of the heart: it creates, updates or deletes one row.
A row's number is the position that created it, so that numbers grow with time and are never used
twice.

Which row a beat changes says a **wheel** (`wheel.py`): `size` slots, which the beats visit one
after the other, lap after lap. In lap L slot s does step `(L - s) mod 6`: it creates a row at step
0, updates it at 1 to 4, deletes it at 5. So a row lives for exactly five laps, every slot is in
each step equally often, and five of six slots hold a row at the beginning and ever after. From a
number follow slot and lap of its creation, from these its last change before any moment, and how
many rows there are: all without walking. Two wheels turn in each log (`log.py`): three of four
beats go to the large one, one to a small one, whose rows change often and live briefly.

When a position happens says the **timeline** (`timeline.py`), which has one stretch for each rate
that was set. Times of successive positions never decrease. So rows in order of creation are
positions that create, rows changed since a moment are positions from there on that are their row's
last, and deleted ones positions that delete (`living.py`): each is a walk from where it begins to
the end of the page. Only what is written over the API is stored (`models.RowWrite`) and laid over.
"""
