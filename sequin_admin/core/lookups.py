"""Looking for text, whatever its case, alike on every database."""

import re
from typing import Any

from django.db.models import CharField, TextField, lookups


@CharField.register_lookup
@TextField.register_lookup
class AnyCase(lookups.IContains):
    """`icontains`. SQLite's own LIKE knows upper and lower case of ASCII only."""

    def as_sqlite(self, compiler: Any, connection: Any) -> Any:
        if not isinstance(self.rhs, str) or self.rhs.isascii():
            return self.as_sql(compiler, connection)
        return lookups.IRegex(self.lhs, re.escape(self.rhs)).as_sql(compiler, connection)
