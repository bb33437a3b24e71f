"""The state that the control API shows."""

from typing import Any

from sequin_admin.simulator import framework
from sequin_admin.simulator.models import Fault, SimulatedAccount, now


def get_state() -> dict[str, Any]:
    """The clock, and each provider's accounts and active faults, without secrets."""
    providers = {
        slug: {"accounts": accounts_of(slug), "faults": faults_of(slug, None)}
        for slug in framework.all_providers()
    }
    return {"now": now().isoformat(), "providers": providers}


def accounts_of(slug: str) -> dict[str, Any]:
    return {
        account.external_id: {
            "name": account.name,
            "state": account.state,
            "grants": account.grants.filter(revoked=False).count(),
            "faults": faults_of(slug, account),
        }
        for account in SimulatedAccount.objects.filter(provider=slug).order_by("pk")
    }


def faults_of(slug: str, account: SimulatedAccount | None) -> dict[str, int | None]:
    rows = Fault.objects.filter(provider=slug, account=account)
    return dict(rows.values_list("name", "times"))
