"""One attempt to renew a token: the call to the provider, by the holder of the lease."""

from django.db import transaction

from sequin_admin.core import clock, tracing
from sequin_admin.core.http import Unreachable
from sequin_admin.core.leases import still_mine
from sequin_admin.core.metrics import RENEWALS
from sequin_admin.credentials.kinds import OAuthKind, TokenGrant
from sequin_admin.credentials.models import FAILURES, Credential
from sequin_admin.credentials.outcomes import Refused, Verdict
from sequin_admin.tokens import endpoints, failures, grants, protocol, renewal_leases
from sequin_admin.tokens.known_secrets import without_known_secrets
from sequin_admin.tokens.late_answers import store_answer
from sequin_admin.tokens.lifetimes import is_renewable
from sequin_admin.tokens.models import Purpose
from sequin_admin.tokens.renewal_leases import RenewalLease


def renew_with_lease(lease: RenewalLease) -> str:
    """Call the provider as the holder of `lease` and store the result. Raises `Refused`."""
    # Read under the lease: the former holder may have stored a newer refresh token. In one query
    # with the fence, which goes up with every refresh token that is entered or connected: one of
    # those must not be spent for an answer that could not be stored.
    token = still_mine(lease.token).select_related("credential__oauth_app").first()
    if token is None:
        raise Refused(failures.lease_lost())
    credential = token.credential
    try:
        attempt = tracing.about(attempt=lease.token.failures + 1)
        with renewal_leases.held(lease), attempt:
            grant = request_grant(credential, lease)
    except FAILURES as error:
        outcome = without_known_secrets(credential, credential.classify_failure(error))
        if isinstance(error, Refused) and error.refresh_token:
            refresh_token = error.refresh_token
            store_answer(lambda: grants.store_refresh_token(credential, refresh_token, lease))
        with transaction.atomic():
            make_check_due(credential)
            failures.record_failure(
                lease,
                outcome,
                again=is_renewable(credential) or outcome.verdict is Verdict.TRANSIENT,
            )
        RENEWALS.labels(credential.kind, outcome.verdict).inc()
        endpoints.record_call(
            Purpose.RENEW, credential, answered=not isinstance(error, Unreachable)
        )
        raise Refused(outcome) from None
    RENEWALS.labels(credential.kind, Verdict.OK).inc()
    store_answer(lambda: grants.store_grant(credential, grant, lease=lease))
    endpoints.record_call(Purpose.RENEW, credential, answered=True)
    if lease.token.failures or credential.health_status not in ("", "healthy"):
        make_check_due(credential)
    return grant.access_token


def request_grant(credential: Credential, lease: RenewalLease) -> TokenGrant:
    """A new grant from the provider. If the refresh token is rejected, the previous one is tried
    within the kind's grace period. Raises `Refused` and what the kind's calls raise."""
    if credential.mints_tokens():
        return credential.mint()
    if not isinstance(credential, OAuthKind):
        raise Refused(credential.cannot_renew())
    kind, context = type(credential), credential.oauth_context()
    try:
        if not is_renewable(credential):
            return credential.exchange_token()
        return protocol.refresh(kind, context, credential.secrets[kind.oauth.refresh_property])
    except Refused as refusal:
        if refusal.outcome.verdict is not Verdict.CUSTOMER:
            raise
        previous = lease.token.secrets.get("previous_refresh_token")
        if previous and lease.token.previous_until and lease.token.previous_until > clock.now():
            return protocol.refresh(kind, context, previous)
        if lease.unanswered_before:
            raise Refused(failures.lost_answer_outcome(credential, refusal.outcome)) from None
        raise


def make_check_due(credential: Credential) -> None:
    """Let the worker probe it at once, as a reader's refusal or success may change its health."""
    Credential.objects.filter(pk=credential.pk).update(check_due_at=clock.now())
