"""n8n's credentials, as `n8n export:credentials --all --decrypted` writes them.

https://docs.n8n.io/hosting/cli-commands/#export-workflows-and-credentials
"""

from collections.abc import Mapping
from typing import Any

from sequin_admin.command_line.formats.foreign import bag_of, properties_from
from sequin_admin.command_line.formats.reading import Reading, missing, quotable
from sequin_admin.command_line.formats.shapes import Shape

KINDS = {
    "airtableOAuth2Api": "airtable_oauth2",
    "auth0ManagementApi": "auth0_client_credentials",
    "hubspotOAuth2Api": "hubspot_oauth2",
    "linearOAuth2Api": "linear_oauth2",
    "quickBooksOAuth2Api": "quickbooks_oauth2",
    "salesforceOAuth2Api": "salesforce_oauth2",
    "sendGridApi": "sendgrid_key",
    "serviceNowOAuth2Api": "servicenow_oauth2",
    "shopifyAccessTokenApi": "shopify_oauth2",
    "stripeApi": "stripe_key",
}
# What follows from the environment "sandbox".
SANDBOX: Mapping[str, dict[str, Any]] = {
    "quickbooks_oauth2": {"sandbox": True},
    "salesforce_oauth2": {"login_host": "test.salesforce.com"},
}
ENCRYPTED = "It is encrypted. Export again with n8n export:credentials --all --decrypted."
UNKNOWN = "Its type is none of our kinds. Name its kind with --map {type}=KIND, or leave it there."


def read(value: object, shapes: Mapping[str, Shape], kinds: Mapping[str, str]) -> Reading:
    """`kinds` maps a type or a name to a kind (`--map`)."""
    reading = Reading()
    for row, credential in enumerate(value if isinstance(value, list) else [value], start=1):
        reading.sources[row] = credential
        if isinstance(credential, dict):
            take(reading, row, credential, shapes, kinds)
        else:
            reading.refuse(row, "This is not a credential: it must be an object.")
    return reading


def take(
    reading: Reading,
    row: int,
    credential: dict[str, Any],
    shapes: Mapping[str, Shape],
    kinds: Mapping[str, str],
) -> None:
    name, type_ = str(credential.get("name") or ""), str(credential.get("type") or "")
    data = credential.get("data")
    if not isinstance(data, dict):
        reading.refuse(row, ENCRYPTED, name)
        return
    kind = kinds.get(name) or kinds.get(type_) or KINDS.get(type_, "")
    shape = shapes.get(kind)
    if shape is None:
        reading.refuse(row, UNKNOWN.format(type=quotable(type_, "TYPE")), name)
        return
    token = data.get("oauthTokenData")
    callback = token.get("callbackQueryString") if isinstance(token, dict) else None
    implied = SANDBOX.get(kind) if data.get("environment") == "sandbox" else None
    bag = {"name": name, **bag_of(data, callback, token, implied)}
    try:
        properties, _ = properties_from(shape, bag)
    except ValueError as reason:
        reading.refuse(row, str(reason), name)
        return
    lacking = missing(properties, shape)
    if lacking:
        reading.refuse(row, f"As {kind}: {' '.join(lacking)} Connect the account anew.", name)
        return
    metadata = {"n8n_credential_id": str(credential.get("id") or "")}
    body = {"name": name[:200], "properties": properties, "metadata": metadata}
    reading.take(row, body, shapes, label=name)


def is_credential(row: object) -> bool:
    return isinstance(row, dict) and {"type", "data"} <= row.keys() and "properties" not in row
