"""What does not change in a workspace of the simulated Linear: its team, states and viewer."""

from sequin_admin.simulator.models import SimulatedAccount, read_world
from sequin_admin.simulator.providers.linear.ids import fixed_id
from sequin_admin.simulator.rows.collection import Fields, iso_millis, to_ms

STATES = {
    "Backlog": "backlog",
    "Todo": "unstarted",
    "In Progress": "started",
    "Done": "completed",
    "Canceled": "canceled",
}
COLOR = "#5e6ad2"
LABELS = {"Bug": "#eb5757", "Feature": "#bb87fc", "Improvement": "#4ea7fc"}


def url_of(account: SimulatedAccount, path: str) -> str:
    return f"https://linear.app/{account.data['url_key']}/{path}"


def always(account: SimulatedAccount, *names: str) -> Fields:
    """Id and times of what was there from the beginning."""
    at = iso_millis(to_ms(read_world().born_at))
    return {"id": fixed_id(account, *names), "createdAt": at, "updatedAt": at}


def team_of(account: SimulatedAccount) -> Fields:
    key = account.data["url_key"][:3].upper()
    named = {"key": key, "name": account.name, "displayName": account.name, "color": COLOR}
    return {**always(account, "team"), **named, "timezone": "UTC"}


def state_named(account: SimulatedAccount, name: str) -> Fields:
    place = {"name": name, "type": STATES[name], "position": float(list(STATES).index(name))}
    return {**always(account, "state", name), **place, "color": COLOR, "team": team_of(account)}


def labels_of(account: SimulatedAccount) -> list[Fields]:
    """The workspace's labels, of no team in particular."""
    return [
        {**always(account, "label", name), "name": name, "color": color}
        for name, color in LABELS.items()
    ]


def viewer_of(account: SimulatedAccount) -> Fields:
    name, email = account.data["viewer"], f"{account.data['url_key']}@example.com"
    return {**always(account, "viewer"), **person(account, name, email), "isMe": True}


def person(account: SimulatedAccount, name: str, email: str) -> Fields:
    initials = "".join(word[0] for word in name.split())
    known = {"name": name, "displayName": name.split()[0].lower(), "email": email, "active": True}
    return {**known, "initials": initials, "url": url_of(account, f"profiles/{email}")}
