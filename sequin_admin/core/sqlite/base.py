"""Django's backend for SQLite, with an INSERT of many rows that costs less of our time."""

from django.db.backends.sqlite3 import base

from sequin_admin.core.sqlite.compiler import SQLiteOperations


class SQLiteWrapper(base.DatabaseWrapper):
    """As Django's, with the compilers of this package."""

    ops_class = SQLiteOperations


DatabaseWrapper = SQLiteWrapper
