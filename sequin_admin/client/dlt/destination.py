"""dlt's PostgreSQL destination, of one writer: its connections, its fence."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.dataset import DBApiCursor
from dlt.common.schema import Schema
from dlt.destinations import postgres
from dlt.destinations.impl.postgres.configuration import (
    PostgresClientConfiguration,
    PostgresCredentials,
)
from dlt.destinations.impl.postgres.postgres import PostgresClient
from dlt.destinations.impl.postgres.sql_client import Psycopg2SqlClient
from dlt.destinations.typing import DBTransaction
from psycopg2.extensions import connection as Connection

from sequin_admin.client.dlt.writer import Writer


class FencedSqlClient(Psycopg2SqlClient):
    """Connects as the writer does, and runs each statement in a transaction behind the fence."""

    writer: Writer

    def open_connection(self) -> Connection:
        self._conn = self.writer.connect()
        with self._conn.cursor() as cursor:
            cursor.execute(f"SET search_path = {self.fully_qualified_dataset_name()}, public")
        return self._conn

    def _reset_connection(self) -> None:
        """Without `RESET ALL`, which would forget the search path."""
        self._conn.rollback()
        self._conn.autocommit = True

    @contextmanager
    def begin_transaction(self) -> Iterator[DBTransaction]:
        with super().begin_transaction() as transaction:
            with self._conn.cursor() as cursor:
                self.writer.check_fence(cursor)
            yield transaction

    @contextmanager
    def execute_query(
        self, query: str | bytes, *args: object, **kwargs: object
    ) -> Iterator[DBApiCursor]:
        if self._conn.autocommit:
            with self.begin_transaction(), super().execute_query(query, *args, **kwargs) as cursor:
                yield cursor
        else:
            with super().execute_query(query, *args, **kwargs) as cursor:
                yield cursor


def destination(writer: Writer) -> postgres:
    """For `dlt.pipeline(destination=...)`."""

    class Client(PostgresClient):
        """dlt's client with our connections."""

        def __init__(
            self,
            schema: Schema,
            config: PostgresClientConfiguration,
            capabilities: DestinationCapabilitiesContext,
        ) -> None:
            super().__init__(schema, config, capabilities)
            names = self.create_dataset_names(schema, config)
            fenced = FencedSqlClient(*names, config.credentials, capabilities)
            fenced.writer = writer
            self.sql_client = fenced

    class Fenced(postgres):
        """dlt's destination with our client."""

        @property
        def client_class(self) -> type[Client]:
            return Client

    return Fenced(credentials=whole_credentials(writer.parameters), destination_name="sequin")


def whole_credentials(parameters: dict[str, Any]) -> PostgresCredentials:
    """dlt asks for credentials, and looks elsewhere for what is missing in them."""
    credentials = PostgresCredentials()
    credentials.database = parameters["dbname"]
    credentials.username, credentials.password = parameters["user"], parameters["password"]
    credentials.host, credentials.port = parameters["hostaddr"], parameters["port"]
    credentials.resolve()
    return credentials
