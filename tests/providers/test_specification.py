"""The nine documented kinds, exactly as in the specification's examples."""

import pytest

from sequin_admin.connect import credential_operations
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.properties import MASK

AIRTABLE_SCOPE = (
    "data.records:read data.records:write data.recordComments:read data.recordComments:write "
    "schema.bases:read schema.bases:write webhook:manage"
)
HUBSPOT_SCOPES = [
    "oauth",
    "tickets",
    "e-commerce",
    "sales-email-read",
    "crm.lists.read",
    "crm.objects.contacts.read",
]

# (imported, returned); both are equal where the example has no secret.
EXAMPLES = {
    "airtable_oauth2": (
        {
            "airtable_uid": "usrziLeD23j9AJ1",
            "kind": "airtable_oauth2",
            "refresh_token": "oaa-refresh",
            "scope": AIRTABLE_SCOPE,
        },
        {"refresh_token": MASK},
    ),
    "checkout_champ_password": (
        {"login_id": "user123", "kind": "checkout_champ_password", "password": "password123"},
        {"password": MASK},
    ),
    "github_app": (
        {
            "kind": "github_app",
            "account_type": "User",
            "account_login": "paul-atreides",
            "installation_id": "47232440",
        },
        # Typed integer, shown as a string in the example: taken as either, given as an integer.
        {"installation_id": 47232440},
    ),
    "hubspot_oauth2": (
        {
            "hub_domain": "arrakis.io",
            "hub_id": 21902692,
            "kind": "hubspot_oauth2",
            "refresh_token": "refresh",
            "scopes": HUBSPOT_SCOPES,
        },
        {"refresh_token": MASK},
    ),
    "linear_oauth2": (
        {
            "kind": "linear_oauth2",
            "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
            "scope": "read write issues:create",
            "linear_org_id": "abc123",
            "linear_org_name": "Arrakis Inc.",
        },
        {"access_token": MASK},
    ),
    "salesforce_oauth2": (
        {
            "instance_url": "https://arrakis.my.salesforce.com",
            "kind": "salesforce_oauth2",
            "refresh_token": "refresh",
            "scope": "api refresh_token",
            "sfid": "arrakis",
        },
        # Ours: which login host to renew at.
        {"refresh_token": MASK, "login_host": "login.salesforce.com"},
    ),
    "shopify_oauth2": (
        {
            "kind": "shopify_oauth2",
            "access_token": "shpca_ef73c3",
            "shop": "shop-001.myshopify.com",
        },
        {"access_token": MASK},
    ),
    "stripe_oauth2": (
        {"kind": "stripe_oauth2", "name": "Arrakis [TEST]", "secret": "rt_abc", "test": True},
        {"secret": MASK},
    ),
    "stripe_key": (
        {"kind": "stripe_key", "name": "Arrakis [TEST]", "secret": "sk_test_abc", "test": True},
        {"secret": MASK},
    ),
}


@pytest.mark.parametrize("slug", EXAMPLES)
def test_an_imported_example_comes_out_key_for_key(slug, organization, user, settings):
    settings.SIMULATOR_URL = "http://127.0.0.1:9"  # no provider answers: nothing is discovered
    sent, changed = EXAMPLES[slug]
    parsed = kinds.get(slug).properties_class.model_validate(sent)

    credential_operations.save_credential(organization, parsed, actor=user)

    assert Credential.objects.get().masked_properties() == {**sent, **changed}


def test_all_documented_kinds_are_here():
    assert len(EXAMPLES) == 9


def test_additions_are_marked_as_ours():
    documented = {slug: set(sent) for slug, (sent, _) in EXAMPLES.items()}
    known = {"stripe_oauth2": {"account_id"}, "stripe_key": {"account_id"}}
    known["linear_oauth2"] = {"expires_in_s"}
    for slug, names in documented.items():
        declared = kinds.get(slug).properties_class
        for name in declared.names():
            in_specification = name in names or name in known.get(slug, set())
            assert bool(declared.options_of(name)["extension"]) != in_specification, (
                f"{slug}.{name}"
            )
