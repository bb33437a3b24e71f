"""Messages about changes of credentials, OAuth apps and connect links."""

import pytest

from sequin_admin.connect import credential_operations, links
from sequin_admin.credentials import kinds, oauth_apps
from sequin_admin.notifications.events import record_and_notify
from sequin_admin.notifications.models import Delivery
from tests.factories import make_credential, make_oauth_app, sample_properties

pytestmark = pytest.mark.django_db
MARK = "canary7f3e"


@pytest.fixture
def hook(make_channel):
    return make_channel()


def told():
    return [row.type for row in Delivery.objects.order_by("id")]


def test_the_life_of_a_credential(hook, organization, user):
    kind = kinds.get("sendgrid_key")
    properties = kind.properties_class.model_validate(sample_properties(kind, MARK))
    draft = credential_operations.draft_of(organization, properties)
    credential = credential_operations.save_draft(
        draft, actor=user, name="Spice", metadata={"plan": "pro"}
    ).credential
    credential_operations.update_details(credential, actor=user, name="Melange")
    credential_operations.disable(credential, actor=user)
    credential_operations.disable(credential, actor=user)
    credential_operations.enable(credential, actor=user)
    pk = str(credential.pk)
    credential_operations.delete(credential, actor=user)

    assert told() == [
        "credential.created",
        "credential.updated",
        "credential.disabled",
        "credential.enabled",
        "credential.deleted",
    ]
    rows = [row.notice for row in Delivery.objects.order_by("id")]
    assert {row["key"] for row in rows} == {f"credential:{pk}"}
    assert rows[0]["data"] == {
        "id": pk,
        "name": "Spice",
        "actor": str(user),
        "provider": "sendgrid",
        "kind": "sendgrid_key",
        "action": "credential.created",
        "metadata": {"plan": "pro"},
    }
    assert MARK not in str(rows)


def test_the_life_of_an_oauth_app(hook, organization, user):
    app = make_oauth_app(organization, "hubspot")
    oauth_apps.update(app, actor=user, name="Renamed")
    record_and_notify(app, "oauth_app.revealed", user)
    oauth_apps.delete(app, actor=user)

    assert told() == ["oauth_app.updated", "oauth_app.deleted"]


def test_the_life_of_a_connect_link(hook, organization, user):
    link = links.create(organization, [kinds.get("sendgrid_key")], actor=user, name="Spice")
    links.record_opened(link)
    links.record_opened(link)
    links.fail(link, "SendGrid does not accept this key.")
    other = links.create(organization, [kinds.get("sendgrid_key")], actor=user)
    links.revoke(other, actor=user)
    credential = make_credential(organization, "sendgrid_key")
    links.complete(link, credential)

    mine = [row for row in Delivery.objects.order_by("id") if str(link.pk) in row.notice["key"]]
    assert [row.type.partition(".")[2] for row in mine] == [
        "created",
        "opened",
        "failed",
        "completed",
    ]
    assert mine[2].message.text.startswith("SendGrid does not accept this key.")
    assert mine[3].message.data["credential_id"] == str(credential.pk)
    assert told().count("connect_link.revoked") == 1


def test_no_token_of_a_link_is_told(hook, organization, user):
    link = links.create(organization, [kinds.get("sendgrid_key")], actor=user)

    assert link.secrets["token"] not in str(list(Delivery.objects.values()))


def test_people_are_not_bothered_with_changes(make_channel, organization, user):
    """A mail channel with the form's defaults only gets what somebody must act on."""
    make_channel("mail", min_severity="warning")

    links.create(organization, [kinds.get("sendgrid_key")], actor=user)

    assert told() == []
