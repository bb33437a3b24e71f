"""Staff admin of accounts and organizations: read-only rows, and audited verbs upon them."""

from sequin_admin.access.admin import accounts, api_keys, members, organizations, sign_ins

__all__ = ["accounts", "api_keys", "members", "organizations", "sign_ins"]
