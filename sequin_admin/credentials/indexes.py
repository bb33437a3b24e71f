"""The indexes of the table of credentials."""

from django.db.models import F, Index, Q

from sequin_admin.core.monitored import WorstFirst, latest_index, list_indexes

ENDS = Q(ends_at__isnull=False, disabled_at=None)
INDEXES = (
    *list_indexes("credential"),
    Index(fields=("organization", "kind", "id"), name="credential_kind"),
    Index(
        *(F("organization"), WorstFirst(F("disabled_at"), F("health_status"))),
        *(F("created_at").desc(), F("id").desc()),
        name="credential_worst",
    ),
    latest_index("checked_at", name="credential_checked"),
    Index(
        fields=("organization", "-created_at", "-id"),
        name="credential_disabled",
        condition=Q(disabled_at__isnull=False),
    ),
    Index(fields=("organization", "health_status"), name="credential_health"),
    Index(fields=("check_due_at",), name="credential_check_due"),
    Index(fields=("queue", "check_due_at"), name="credential_queue"),
    Index(
        fields=("lease_until",), name="credential_leased", condition=Q(lease_until__isnull=False)
    ),
    Index(fields=("organization", "secrets_digest"), name="credential_secrets"),
    Index(fields=("organization", "ends_at", "id"), name="credential_end", condition=ENDS),
    Index(fields=("organization", "name", "id"), name="credential_end_name", condition=ENDS),
    Index(
        fields=("end_notice_at",),
        name="credential_end_notice",
        condition=Q(end_notice_at__isnull=False, disabled_at=None),
    ),
)
