"""Puts former secrets of a credential, an OAuth app or a target back in one step."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from sequin_admin.access.former_secrets import NotPutBack
from sequin_admin.access.models import FormerSecrets
from sequin_admin.access.policy import Action
from sequin_admin.connect import credential_operations
from sequin_admin.core.actors import actor_of
from sequin_admin.core.fields import DecryptionError
from sequin_admin.credentials import oauth_apps
from sequin_admin.credentials.models import (
    Credential,
    FormerAppSecrets,
    FormerCredentialSecrets,
    OAuthApp,
)
from sequin_admin.credentials.properties import InvalidEntry
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.fresh_login import fresh_login_required
from sequin_admin.health import probes
from sequin_admin.syncs import targets
from sequin_admin.syncs.models import FormerTargetSecrets, Target

Row = TypeVar("Row", bound=FormerSecrets)
REFUSALS = (NotPutBack, DecryptionError, credential_operations.OtherAccount)


@require_POST
@may(Action.EDIT)
@fresh_login_required
def credential(request: Request, pk: UUID) -> HttpResponse:
    former = find(request, FormerCredentialSecrets, pk, "owner__oauth_app")

    def put_back() -> None:
        saved = credential_operations.put_back(former.owner, pk, actor=actor_of(request))
        if saved.needs_probe:
            probes.verify_entered(saved.credential)

    return answer(request, former.owner, put_back)


@require_POST
@may(Action.CONFIGURE)
@fresh_login_required
def oauth_app(request: Request, pk: UUID) -> HttpResponse:
    app = find(request, FormerAppSecrets, pk).owner
    return answer(request, app, lambda: oauth_apps.put_back(app, pk, actor=actor_of(request)))


@require_POST
@may(Action.CONFIGURE)
@fresh_login_required
def target(request: Request, pk: UUID) -> HttpResponse:
    owner = find(request, FormerTargetSecrets, pk).owner
    return answer(request, owner, lambda: targets.put_back(owner, pk, actor=actor_of(request)))


def find(request: Request, model: type[Row], pk: UUID, *joined: str) -> Row:
    """The former secrets, without their values. Raises `Http404`."""
    rows = model._base_manager.filter(organization=request.organization)
    return get_object_or_404(rows.select_related("owner", *joined).defer("secrets"), pk=pk)


def answer(
    request: Request, row: Credential | OAuthApp | Target, put_back: Callable[[], object]
) -> HttpResponse:
    """Say on the page of the row what was done, or why it was not."""
    try:
        put_back()
    except REFUSALS as refused:
        messages.error(request, str(refused))
    except InvalidEntry as invalid:
        messages.error(request, " ".join(str(each) for each in invalid.sentences.values()))
    else:
        messages.success(request, f"The former secrets of {row} are in use again.")
    return redirect(f"dashboard:{row.entity}", pk=row.pk)
