"""When seals are late, and what becomes of what is old: retention and exports."""

import json
from datetime import timedelta
from io import StringIO
from stat import S_IMODE

import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from standardwebhooks import Webhook

from sequin_admin.access.models import User
from sequin_admin.audit import exports, retention, sealing
from sequin_admin.audit.configuration import AuditConfiguration
from sequin_admin.audit.models import Event, record_change
from sequin_admin.audit.tables import AuditExport, ChainHead, Seal, UnsealedEvent
from sequin_admin.audit.verification import Verification
from sequin_admin.core import clock, http
from sequin_admin.health import worker_watch
from sequin_admin.health.models import WorkerProcess
from tests.conftest import addresses

pytestmark = pytest.mark.django_db
SECRET = "whsec_" + "c2VjcmV0" * 4
YEAR = timedelta(days=365)


def configure(monkeypatch, module, **given):
    monkeypatch.setattr(module, "CONFIGURATION", AuditConfiguration(**given))


def record_at(organization, at, action="test.old"):
    event = Event(organization_id=organization.pk, action=action, at=at)
    event.save()
    sealing.seal_committed()
    return event


def find_broken():
    found = Verification()
    found.run([])
    return found.broken


def test_an_event_without_a_seal_is_a_fault_after_a_minute(client, organization, user):
    staff = User.objects.create_user(username="s", email="s@s.test", is_staff=True)
    addresses.confirm_address(staff)
    WorkerProcess.objects.create(hostname="arrakis", pid=7, threads=8)
    watch, now = worker_watch.WorkerWatch(), clock.now()
    record_change(organization, "test.done", None)
    client.force_login(user)

    watch.look(now)
    assert not worker_watch.open_incident(worker_watch.UNSEALED)

    UnsealedEvent.objects.update(written_at=now - timedelta(seconds=61))
    watch.look(now)
    assert worker_watch.open_incident(worker_watch.UNSEALED)
    assert "The audit log is not sealed" in client.get("/worker/").content.decode()

    sealing.seal_committed()
    watch.look(now)
    assert "not sealed" not in client.get("/worker/").content.decode()
    assert [m.subject for m in mail.outbox] == [
        "The audit log of Sequin Admin is not sealed",
        "The audit log of Sequin Admin is sealed again",
    ]


def test_the_trigger_writes_a_time_that_we_read(organization):
    record_change(organization, "test.done", None)

    assert abs(sealing.oldest_unsealed() - clock.now()) < timedelta(minutes=1)


def test_retention_goes_up_to_a_seal_and_leaves_a_record(organization, monkeypatch):
    now = clock.now()
    old = [record_at(organization, now - YEAR) for _ in range(3)]
    young = record_at(organization, now)
    configure(monkeypatch, retention, keep_months=6)

    assert retention.prune() == 3
    sealing.seal_committed()

    assert not Event.objects.filter(pk__in=[event.pk for event in old]).exists()
    record = Seal.objects.get(floor__gt=0)
    assert (record.pruned_to, record.events) == (3, 3)
    assert Event.objects.get(action="audit_log.pruned").organization_id == organization.pk
    assert find_broken() == []
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_event WHERE id = %s", [young.pk])
    assert retention.prune() == 0


def test_retention_that_is_broken_off_goes_on_and_is_no_break(organization, monkeypatch):
    now = clock.now()
    for _ in range(3):
        record_at(organization, now - YEAR)
    record_at(organization, now)
    configure(monkeypatch, retention, keep_months=6)
    with monkeypatch.context() as patch:
        patch.setattr(retention.pruning, "prune", lambda rows, by, until: 0)
        retention.prune()
    assert find_broken() == []

    assert retention.prune() == 3
    assert find_broken() == []


def test_old_events_after_young_ones_stay(organization, monkeypatch):
    """Such as demo data: the chain is in the order of sealing, and is cut from its beginning."""
    now = clock.now()
    record_at(organization, now)
    record_at(organization, now - YEAR)
    configure(monkeypatch, retention, keep_months=6)

    assert retention.prune() == 0
    assert find_broken() == []


def test_nothing_is_removed_unless_a_setting_says_so(organization):
    record_at(organization, clock.now() - 20 * YEAR)

    assert retention.prune() == 0


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        ("2026-03-31", 1, "2026-02-28"),
        ("2026-01-15", 1, "2025-12-15"),
        ("2026-11-29", 12, "2025-11-28"),
    ],
)
def test_months_before(day, months, before):
    at = clock.from_iso(f"{day}T00:00:00")

    assert retention.months_before(at, months).date().isoformat() == before


def test_seals_events_and_ends_are_exported_to_a_file_of_the_day(
    organization, monkeypatch, tmp_path
):
    configure(monkeypatch, exports, export_dir=tmp_path / "log")
    event = record_at(organization, clock.now(), "test.done")

    exports.export_due()
    exports.export_due()

    (path,) = (tmp_path / "log").iterdir()
    assert S_IMODE(path.stat().st_mode) == 0o600
    seal, heads = (json.loads(line) for line in path.read_text().splitlines())
    assert [each["id"] for each in seal["events"]] == [event.pk]
    assert [head["number"] for head in heads["heads"]] == [1]
    call_command("verify_audit", head=str(path), stdout=StringIO())
    ChainHead.objects.all()._raw_delete("default")
    with pytest.raises(CommandError, match="the record of its end, seal 1, is gone"):
        call_command("verify_audit", head=str(path), stdout=StringIO())


def test_the_export_is_posted_signed_and_repeated_until_it_is_taken(organization, monkeypatch):
    posts, statuses = [], [500, 200, 200]

    def post(url, *, content, headers, provider):
        posts.append((url, content.decode(), headers))
        return http.Response(statuses.pop(0), {}, b"", ())

    monkeypatch.setattr(exports.http, "post", post)
    configure(monkeypatch, exports, export_url="https://siem.test/audit", export_secret=SECRET)
    record_at(organization, clock.now())

    exports.export_due()
    assert AuditExport.objects.get().error == "The receiver of the audit log answered 500."
    AuditExport.objects.update(due_at=clock.now())
    exports.export_due()

    row = AuditExport.objects.get()
    assert (row.error, row.last_seal) == ("", Seal.objects.get().pk)
    assert [json.loads(body)["type"] for _, body, _ in posts] == ["seal", "seal", "heads"]
    for _, body, headers in posts:
        assert Webhook(SECRET).verify(body, headers)


def test_an_export_needs_a_secret():
    class Values:
        def str(self, name, default):
            return "https://siem.test" if name == "AUDIT_EXPORT_URL" else default

        def int(self, name, default):
            return default

    with pytest.raises(ImproperlyConfigured, match="AUDIT_EXPORT_SECRET"):
        AuditConfiguration.from_environment(Values())


def test_a_file_without_ends_is_refused(tmp_path):
    (tmp_path / "empty.txt").write_text("[1]\n")

    with pytest.raises(CommandError, match="has no ends of chains"):
        call_command("verify_audit", head=str(tmp_path / "empty.txt"), stdout=StringIO())
