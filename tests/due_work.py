"""What the worker's jobs do, item by item in the process of a test."""

from datetime import timedelta
from unittest import mock

from sequin_admin.health import alerts, cause_alerts, probe_claims, probes
from sequin_admin.tokens import renewal, renewal_leases


def probe_due() -> int:
    """Probe all credentials that are due. Returns how many outcomes were recorded."""
    probed = 0
    while claimed := probe_claims.claim_due(1):
        probed += probes.probe_claimed(claimed[0])
    return probed


def notify() -> int:
    """Post the messages about causes and incidents that are due, without a wait for more of one."""
    with mock.patch.object(cause_alerts, "SETTLE", timedelta()):
        return cause_alerts.notify_due() + alerts.notify_resolved()


def refresh_due(limit: int = 100) -> int:
    """Renew up to `limit` due tokens. Returns how many were renewed."""
    renewed = 0
    for _ in range(limit):
        claimed = renewal_leases.claim_due(1)
        if not claimed:
            break
        renewed += renewal.renew_claimed(claimed[0])
    return renewed
