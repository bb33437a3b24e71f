"""A rule of GitHub about user tokens."""

from datetime import date

from sequin_admin.credentials.kinds import Certainty, ProviderChange

CHANGES = (
    ProviderChange(
        slug="github-user-tokens",
        when="Six months after a user token was issued",
        title="GitHub ends the refresh tokens of users",
        what="The refresh token of a user ends after six months. Ours are tokens of the app's "
        "installation, which have none.",
        to_do="Nothing for what is connected here.",
        source="Not named; from one page",
        checked_on=date(2026, 11, 28),
        certainty=Certainty.ONE_PAGE,
    ),
)
