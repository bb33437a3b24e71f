"""Gateway secrets: they authenticate a product that exchanges codes at `/link/oauth2/token`."""

import hmac
import secrets
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction

from sequin_admin.access.models import digest
from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor
from sequin_admin.credentials.models import GatewaySecret, OAuthApp
from sequin_admin.notifications.events import record_and_notify

OVERLAP_H = 24
LONGEST_OVERLAP_H = 7 * 24


@transaction.atomic
def rotate(
    app: OAuthApp, *, actor: AnyActor, overlap: timedelta = timedelta(hours=OVERLAP_H)
) -> tuple[GatewaySecret, str]:
    """A new secret for the app: the row, and the secret, of which only the hash is stored.

    The current one, if any, stays valid for `overlap`; an older one ends. Raises `ValidationError`.
    """
    if not timedelta() <= overlap <= timedelta(hours=LONGEST_OVERLAP_H):
        sentence = "The secret until now may stay good for 0 to 7 days."
        raise ValidationError({"overlap_hours": [sentence]})
    OAuthApp.objects.select_for_update(no_key=True).only("pk").get(pk=app.pk)
    before = GatewaySecret.objects.filter(oauth_app=app).first()
    keeps = before is not None and bool(overlap)
    secret, now = f"sqg_{secrets.token_urlsafe(32)}", clock.now()
    row, _ = GatewaySecret.objects.update_or_create(
        oauth_app=app,
        defaults={
            "prefix": secret[:12],
            "digest": digest(secret),
            "made_at": now,
            "former_digest": before.digest if before and keeps else "",
            "former_until": now + overlap if keeps else None,
        },
    )
    until = row.former_until and row.former_until.isoformat()
    action = "oauth_app.gateway_secret_rotated" if before else "oauth_app.gateway_secret_made"
    record_and_notify(app, action, actor, former_until=until)
    return row, secret


def matches(app: OAuthApp, secret: str) -> bool:
    """Whether it is the app's secret, or the former one while that is valid."""
    row = GatewaySecret.objects.filter(oauth_app=app).first()
    if row is None:
        return False
    hashed = digest(secret)
    current = hmac.compare_digest(row.digest, hashed)
    in_time = row.former_until is not None and row.former_until > clock.now()
    return current or (in_time and hmac.compare_digest(row.former_digest, hashed))
