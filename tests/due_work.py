"""What the worker's jobs do, item by item in the process of a test."""

from sequin_admin.health import probe_claims, probes
from sequin_admin.tokens import renewal, renewal_leases


def probe_due() -> int:
    """Probe all credentials that are due. Returns how many outcomes were recorded."""
    probed = 0
    while claimed := probe_claims.claim_due(1):
        probed += probes.probe_claimed(claimed[0])
    return probed


def refresh_due(limit: int = 100) -> int:
    """Renew up to `limit` due tokens. Returns how many were renewed."""
    renewed = 0
    for _ in range(limit):
        claimed = renewal_leases.claim_due(1)
        if not claimed:
            break
        renewed += renewal.renew_claimed(claimed[0])
    return renewed
