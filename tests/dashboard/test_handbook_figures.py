"""Each figure of the handbook is the code's: a change of one without the other is found."""

import re

import pytest
from django.conf import settings
from django.core.management import get_commands

from sequin_admin.access import exports, staff_access
from sequin_admin.access.configuration import EndingConfiguration, KeptSecrets
from sequin_admin.access.policy import Action, Role, allows
from sequin_admin.audit import repeats, sealing
from sequin_admin.core import clock, http, shutdown
from sequin_admin.core.env import ROOT
from sequin_admin.core.tracing import otel, patience
from sequin_admin.credentials import kinds
from sequin_admin.credentials.declarations import RefreshPace
from sequin_admin.dashboard import csv_export, sign_on_http
from sequin_admin.health import outages
from sequin_admin.limits.stores import redis_risks
from sequin_admin.notifications import retries
from sequin_admin.worker import jobs, runner
from tests.dashboard.test_handbook import text_of

NUMBERS = {2: "two", 3: "three", 5: "five", 10: "ten", 15: "fifteen"}
EVERY = {job.name: job.every_s for job in jobs.JOBS}
PACE = RefreshPace()


def word(number):
    return NUMBERS[int(number)]


def unwrapped(name):
    return " ".join(text_of(name).split())


FIGURES = [
    ("operate", f"seals what is committed every {word(EVERY['seal_events'])} seconds"),
    ("operate", "An event that waits for a minute is a fault", sealing.LATE_AFTER.seconds == 60),
    ("operate", "`2 * TOKEN_DEADLINE_S + 15` seconds", shutdown.GRACE_S < 2 * 20 + 15),
    ("operate", f"lists of more than {csv_export.AT_ONCE:,} rows", True),
    ("operate", f"at most {exports.MOST_FILES} of a person in an organization"),
    ("operate", f"`KEEP_SECRETS` ({KeptSecrets().most}) of each"),
    ("operate", f"`KEEP_SECRETS_DAYS` ({KeptSecrets().days})"),
    ("operate", f"asked after {patience.FIRST_WAIT_S:g} seconds, then 10, up to 5 minutes"),
    ("operate", "up to 5 minutes", patience.LONGEST_WAIT_S == 300),
    ("operate", f"A stop waits for it for at most {otel.CLOSE_S:g} seconds"),
    ("operate", f"| worker | {runner.THREADS} threads (`--threads`), {runner.THREADS + 2} conn"),
    ("operate", f"| OAuth app | {PACE.per_app} renewals a second"),
    ("operate", "503 when its main loop hangs for a minute", runner.LONGEST_ROUND_S == 60),
    ("operate", "which the worker does once a minute", EVERY["sample_usage"] == 60),
    ("operate", "what is older is removed once a day", EVERY["prune_events"] == 24 * 3600),
    ("operate", "0 keeps none, and the next hour deletes", EVERY["prune_former_secrets"] == 3600),
    ("security", f"at most {http.MAX_BYTES // 1_000_000} MB, read strictly"),
    ("security", f"{sign_on_http.DEADLINE_S:g} seconds a call"),
    ("security", f"up to {staff_access.LONGEST.seconds // 3600} hours, which mails its owners"),
    ("security", f"a login of the last {word(settings.ACCOUNT_REAUTHENTICATION_TIMEOUT / 60)} min"),
    ("security", f"{EndingConfiguration().wait.days} days to undo it"),
    ("security", f"of the next {word(repeats.WINDOW.seconds / 60)} minutes are counted"),
    ("security", f"at {word(len({kind.provider for kind in kinds.all()}))} providers"),
    ("operate", f"is tried for {retries.RETRY_FOR.total_seconds() / 3600:g} hours, and a webhook"),
    ("runbooks", f"failed, and of at least {word(outages.MIN_FAILING)}"),
    ("runbooks", "It is looked at again within a minute", redis_risks.ASKED_EVERY_S == 60),
    ("runbooks", "it is measured again within a minute", clock.MEASURE_EVERY_S == 60),
    ("runbooks", f"tried for {retries.RETRY_FOR.total_seconds() / 3600:g} hours"),
]


@pytest.mark.parametrize(("name", "sentence", "holds"), [(*each, True)[:3] for each in FIGURES])
def test_a_figure_is_the_codes(name, sentence, holds):
    assert holds
    assert sentence.lower() in unwrapped(name).lower()


def test_every_stop_is_given_its_time():
    """Of compose and Kubernetes."""
    needed = 2 * shutdown.TOKEN_DEADLINE_S + 15
    compose = re.findall(r"stop_grace_period: (\d+)s", (ROOT / "compose.yaml").read_text())
    pods = re.findall(
        r"terminationGracePeriodSeconds: (\d+)",
        "".join(path.read_text() for path in (ROOT / "deploy/kubernetes").glob("w*.yaml")),
    )

    assert len(compose) >= 1
    assert len(pods) == 2
    assert all(int(seconds) >= needed for seconds in compose + pods)


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        (Role.VIEWER, [Action.VIEW], [Action.EDIT, Action.REVEAL]),
        (Role.MEMBER, [Action.VIEW, Action.EDIT], [Action.REVEAL, Action.CONFIGURE]),
        (Role.ADMIN, [Action.EDIT, Action.CONFIGURE, Action.REVEAL], [Action.MANAGE]),
        (Role.OWNER, list(Action), []),
    ],
)
def test_who_may_what_is_the_policy(role, may, may_not):
    assert f"| an {role} |" in text_of("security") or f"| a {role} |" in text_of("security")
    assert all(allows(role, action) for action in may)
    assert not any(allows(role, action) for action in may_not)


def test_each_setting_that_is_named_is_one():
    table = (ROOT / "README.md").read_text()
    texts = "".join(text_of(name) for name in ("operate", "runbooks", "security"))
    named = set(re.findall(r"`([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)(?:=[^`]*)?`", texts))

    assert len(named) > 20
    assert {name for name in named if name not in table and not name.startswith("OTEL_")} == set()


def test_each_command_that_is_named_is_one():
    texts = "".join(map(text_of, ("operate", "runbooks", "security")))
    named = set(re.findall(r"manage\.py (\w+)", texts))

    assert len(named) > 10
    assert named - set(get_commands()) == set()


def test_each_make_target_and_file_that_is_named_is_there():
    texts = "".join(map(text_of, ("operate", "runbooks", "security")))
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    files = re.findall(r"`((?:deploy|sequin_admin)/[\w./-]+)`", texts)

    assert set(re.findall(r"`make ([a-z-]+)`", texts)) <= set(targets)
    assert len(files) > 4
    assert [name for name in files if not (ROOT / name).exists()] == []
