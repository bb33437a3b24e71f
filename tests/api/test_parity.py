"""Every action of a page is available by API."""

from uuid import uuid4

import pytest
from django.urls import reverse

from sequin_admin.api.urls import api as declared
from sequin_admin.dashboard.urls import urlpatterns

OPERATIONS = {
    operation["operationId"]
    for methods in declared.get_openapi_schema()["paths"].values()
    for operation in methods.values()
}

ROLE = "Adding people and giving them roles is the owners' alone, and a key has no role."
OF_A_PERSON = "How a person sees a page is that person's alone, and a key is no person."
AT_PROVIDER = "A browser has to go to the provider's consent page: "

# Every page that accepts POST, with the operations that do the same or the reason for none.
SAME: dict[str, list[str] | str] = {
    "add": ["import_credential"],
    "connect": ["start_auth", "create_connect_link"],
    "credential_edit": ["update_credential", "replace_credential_secrets", "set_contact"],
    "limit": ["update_credential"],
    "limits_bulk": ["set_rate_limits"],
    "verify": ["verify_credential"],
    "reconnect": ["create_connect_link"],
    "replace_account": AT_PROVIDER + "a person agrees there that another account takes over.",
    "exchange": ["exchange_credential_token"],
    "disable": ["disable_credential"],
    "enable": ["enable_credential"],
    "credential_delete": ["delete_credential"],
    "reveal": ["get_credential"],
    "reconnect_link": ["create_connect_link"],
    "connect_links_bulk": ["create_reconnect_links"],
    "batch_send": ["send_connect_links"],
    "batch_withdraw": ["withdraw_connect_link"],
    "connect_link_new": ["create_connect_link"],
    "connect_link_edit": ["update_connect_link"],
    "connect_link_send": ["send_connect_link"],
    "connect_link_revoke": ["withdraw_connect_link"],
    "oauth_app_add": ["create_oauth_app"],
    "oauth_app_edit": ["update_oauth_app"],
    "oauth_app_secret": ["update_oauth_app"],
    "oauth_app_delete": ["delete_oauth_app"],
    "oauth_app_gateway_secret": ["make_gateway_secret"],
    "channel_add": ["create_channel", "create_webhook"],
    "channel_edit": ["update_channel", "update_webhook"],
    "channel_test": ["test_channel", "test_webhook"],
    "channel_enable": ["update_channel", "update_webhook"],
    "channel_disable": ["update_channel", "update_webhook"],
    "channel_rotate": ["rotate_webhook_secret"],
    "channel_delete": ["delete_channel", "delete_webhook"],
    "delivery_redeliver": [
        "redeliver_to_channel",
        "redeliver_to_webhook",
        "redeliver_to_customer",
    ],
    "collections_refresh": ["start_refresh"],
    "add_sync": ["create_sync"],
    "sync_edit": ["update_sync"],
    "sync_disable": ["update_sync"],
    "sync_enable": ["update_sync"],
    "sync_publish": ["publish_sync_badge"],
    "sync_unpublish": ["unpublish_sync_badge"],
    "sync_delete": ["delete_sync"],
    "sync_pause": ["pause_sync"],
    "sync_resume": ["resume_sync"],
    "sync_resync": ["resync_collection"],
    "sync_confirm_deletes": ["confirm_deletes"],
    "run_cancel": ["cancel_run"],
    "stream_new": ["create_stream"],
    "stream_edit": ["update_stream"],
    "stream_delete": ["delete_stream"],
    "target_new": ["create_target"],
    "target_edit": ["update_target"],
    "target_test": ["test_connection"],
    "target_delete": ["delete_target"],
    "consumer_new": ["create_consumer"],
    "consumer_edit": ["update_consumer"],
    "consumer_delete": ["delete_consumer"],
    "demo_remove": "It removes invented members too: that is the owners' alone. manage.py "
    "remove_demo does the same.",
    "tour_look": OF_A_PERSON,
    "tour_dismiss": OF_A_PERSON,
    "cause_take": ["take_cause"],
    "cause_release": ["release_cause"],
    "cause_mute": ["mute_cause"],
    "cause_unmute": ["unmute_cause"],
    "cause_note": ["add_cause_note"],
    "saved_view_new": OF_A_PERSON,
    "saved_view_delete": OF_A_PERSON,
    "list_columns": OF_A_PERSON,
    "export_new": "It makes a file of a list for one person. " + OF_A_PERSON,
    "branding": ["update_branding"],
    "mail_settings": ["set_mail_settings"],
    "mail_template": ["set_mail_template", "remove_mail_template"],
    "calendar": OF_A_PERSON,
    "calendar_revoke": OF_A_PERSON,
    "organization": "Its name and logo are the owners' to change, and a key has no role.",
    "sign_in_rules": "What a sign-in needs is the owners' to say, and a key has no role.",
    "organization_end": "Ending it is the owners' alone, and a key has no role. manage.py "
    "end_organization does the same.",
    "organization_stay": "Undoing the end is the owners' alone, and a key has no role.",
    "former_credential": ["put_back_secrets"],
    "former_app": ["put_back_app_secrets"],
    "former_target": ["put_back_password"],
    "staff_access_end": "Ending staff access is the owners' alone, and a key has no role.",
    "switch_organization": "A key belongs to one organization; only a session can change it.",
    "member_add": ROLE,
    "leftovers": ["revoke_api_key", "withdraw_connect_link"],
    "invitation_resend": ROLE,
    "invitation_withdraw": ROLE,
    "member_role": ROLE,
    "member_remove": ROLE,
    "api_key_add": ["create_api_key"],
    "api_key_edit": ["update_api_key"],
    "api_key_rotate": ["rotate_api_key"],
    "api_key_end_former": ["end_former_token"],
    "api_key_revoke": ["revoke_api_key"],
}

SAMPLES = {"UUIDConverter": uuid4(), "SlugConverter": "stripe_key", "IntConverter": 1}


def takes_posts(client, pattern):
    """Whether a page accepts POST: read-only pages answer 405."""
    converters = pattern.pattern.converters
    sample = {name: SAMPLES[type(each).__name__] for name, each in converters.items()}
    return client.post(reverse(f"dashboard:{pattern.name}", kwargs=sample)).status_code != 405


def test_every_page_that_changes_something_has_its_operation_or_a_reason(client, db):
    changing = {pattern.name for pattern in urlpatterns if takes_posts(client, pattern)}

    assert changing == set(SAME)


@pytest.mark.parametrize("page", SAME)
def test_every_named_operation_is_there(page):
    same = SAME[page]

    assert isinstance(same, str) or set(same) <= OPERATIONS
