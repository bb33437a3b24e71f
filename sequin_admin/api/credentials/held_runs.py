"""What a key with the scope `runs` may do for the credential of a run that it holds."""

from uuid import UUID

from django.db import transaction

from sequin_admin.access.models import Scope
from sequin_admin.api.framework.auth import ApiRequest, caller
from sequin_admin.api.framework.errors import Denied
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock
from sequin_admin.syncs.models import Run
from sequin_admin.syncs.runs import claims


def check_held_run(request: ApiRequest, pk: UUID, scope: Scope) -> Scope:
    """The scope by which a key that holds a run of the credential may have what `scope` gives.

    Its read of a token is recorded once a run. Raises 403.
    """
    run = claims.held_run(request.auth, pk)
    if run is None:
        raise Denied(
            request.auth,
            "action.denied",
            "This API key holds no run of this credential now: it ended, its lease did, or none "
            f"was claimed. Claim one, or use a key with the scope {scope.value}.",
            needed=scope.value,
        )
    if scope == Scope.SECRETS and run.token_read_at is None:
        with transaction.atomic():
            unread = Run.objects.filter(pk=run.pk, token_read_at=None)
            if unread.update(token_read_at=clock.now()):
                actor, about = caller(request), run.sync.credential
                record_change(about, "credential.token_read", actor, run=str(run.pk))
    return Scope.RUNS
