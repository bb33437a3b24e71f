"""Operations on credentials: import, update, disable, delete. All of them are audited."""

from sequin_admin.connect.credential_operations.accounts import (
    OtherAccount,
    duplicate_of,
    locked,
    refuse_duplicate,
    that_meet_any,
)
from sequin_admin.connect.credential_operations.actions import (
    disable,
    enable,
    exchange_token,
    reveal,
    update_details,
)
from sequin_admin.connect.credential_operations.deletion import delete, delete_locked, revoke_access
from sequin_admin.connect.credential_operations.drafts import (
    draft_of,
    drop_discovered,
    identified_draft,
    merge_properties,
    name_and_metadata,
    probe_draft,
    set_properties,
)
from sequin_admin.connect.credential_operations.imports import (
    Saved,
    apply_grant,
    remember_tokens,
    save_credential,
    save_draft,
    set_given,
)
from sequin_admin.connect.credential_operations.replacements import (
    apply_replacement,
    identified_replacement,
    put_back,
    replace_secrets,
    replacement_of,
)

__all__ = [
    "OtherAccount",
    "Saved",
    "apply_grant",
    "apply_replacement",
    "delete",
    "delete_locked",
    "disable",
    "draft_of",
    "drop_discovered",
    "duplicate_of",
    "enable",
    "exchange_token",
    "identified_draft",
    "identified_replacement",
    "locked",
    "merge_properties",
    "name_and_metadata",
    "probe_draft",
    "put_back",
    "refuse_duplicate",
    "remember_tokens",
    "replace_secrets",
    "replacement_of",
    "reveal",
    "revoke_access",
    "save_credential",
    "save_draft",
    "set_given",
    "set_properties",
    "that_meet_any",
    "update_details",
]
