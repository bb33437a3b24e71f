"""Triggers that keep the log append-only in the database itself, on SQLite and on PostgreSQL.

- An event is updated only when a sealed redaction names it, and never what was done, when, and by
  which id. It is deleted only below the floor of its chain, which retention sets.
- An event whose id lies among the sealed ones is refused, unless PostgreSQL's sequence has just
  given this session the id: a transaction that was slow.
- An event is written into the table of the unsealed ones.
- A seal is never updated, and deleted only when retention has recorded so; a key never.

SQLite's are lost when Django rebuilds a table to alter it: such a migration calls `install()`.
"""

# ruff: noqa: S608 - names of our own tables

from django.db.backends.base.base import BaseDatabaseWrapper

EVENT, SEAL, KEY = "audit_event", "audit_seal", "audit_sealkey"
NO_EVENT_CHANGE = "Audit events are append only."
NO_SEAL_CHANGE = "Seals of the audit log are append only."
NO_KEY_CHANGE = "Keys of the audit log are kept: without them its seals can not be verified."
NO_EARLIER_EVENT = "Audit events are added at the end of the log only."
ZERO = "0" * 32
# What of an event no redaction changes.
LASTING = (
    *("id", "organization_id", "at", "action", "actor_type", "actor_id"),
    *("target_type", "target_id"),
)


def may_change(same: str, chain: str, found: str) -> str:
    """The condition, in SQL, under which an event may change."""
    lasting = " AND ".join(f"NEW.{name} {same} OLD.{name}" for name in LASTING)
    return f"""{lasting} AND EXISTS (
        SELECT 1 FROM {SEAL}
        WHERE anchor = 'redaction' AND chain = COALESCE(OLD.organization_id, {chain})
        AND OLD.id BETWEEN first_id AND last_id AND {found} > 0)"""


SQLITE = {
    "audit_event_update": f"""
        BEFORE UPDATE ON {EVENT} WHEN NOT (
            {may_change("IS", f"'{ZERO}'", "instr(' ' || entries, ' ' || OLD.id || ':')")}
        ) BEGIN SELECT RAISE(ABORT, '{NO_EVENT_CHANGE}'); END""",
    "audit_event_delete": f"""
        BEFORE DELETE ON {EVENT} WHEN OLD.id >= COALESCE((
            SELECT MAX(floor) FROM {SEAL}
            WHERE floor > 0 AND chain = COALESCE(OLD.organization_id, '{ZERO}')
        ), 0) BEGIN SELECT RAISE(ABORT, '{NO_EVENT_CHANGE}'); END""",
    # REPLACE deletes without the trigger above. A new row has no id here yet.
    "audit_event_replace": f"""
        BEFORE INSERT ON {EVENT} WHEN EXISTS (SELECT 1 FROM {EVENT} WHERE id = NEW.id)
        BEGIN SELECT RAISE(ABORT, '{NO_EVENT_CHANGE}'); END""",
    "audit_event_insert": f"""
        AFTER INSERT ON {EVENT} BEGIN
            SELECT RAISE(ABORT, '{NO_EARLIER_EVENT}')
            WHERE NEW.id <= (SELECT MAX(last_id) FROM {SEAL});
            INSERT INTO audit_unsealedevent (event_id, written_at)
            VALUES (NEW.id, strftime('%Y-%m-%d %H:%M:%f', 'now'));
        END""",
    "audit_seal_update": f"""
        BEFORE UPDATE ON {SEAL} BEGIN SELECT RAISE(ABORT, '{NO_SEAL_CHANGE}'); END""",
    "audit_seal_delete": f"""
        BEFORE DELETE ON {SEAL} WHEN OLD.number > COALESCE((
            SELECT MAX(pruned_to) FROM {SEAL} WHERE floor > 0 AND chain = OLD.chain
        ), 0) BEGIN SELECT RAISE(ABORT, '{NO_SEAL_CHANGE}'); END""",
    "audit_seal_replace": f"""
        BEFORE INSERT ON {SEAL} WHEN EXISTS (
            SELECT 1 FROM {SEAL}
            WHERE id = NEW.id OR (chain = NEW.chain AND number = NEW.number)
        ) BEGIN SELECT RAISE(ABORT, '{NO_SEAL_CHANGE}'); END""",
    "audit_key_delete": f"""
        BEFORE DELETE ON {KEY} BEGIN SELECT RAISE(ABORT, '{NO_KEY_CHANGE}'); END""",
}

FUNCTIONS = {
    "audit_refuse": """
        BEGIN
            RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation';
        END""",
    "audit_check_update": f"""
        BEGIN
            IF {
        may_change(
            "IS NOT DISTINCT FROM",
            f"'{ZERO}'::uuid",
            "position(' ' || OLD.id || ':' in ' ' || entries)",
        )
    } THEN RETURN NEW; END IF;
            RAISE EXCEPTION '{NO_EVENT_CHANGE}' USING ERRCODE = 'restrict_violation';
        END""",
    "audit_check_delete": f"""
        BEGIN
            IF OLD.id < (
                SELECT MAX(floor) FROM {SEAL}
                WHERE floor > 0 AND chain = COALESCE(OLD.organization_id, '{ZERO}'::uuid)
            ) THEN RETURN OLD; END IF;
            RAISE EXCEPTION '{NO_EVENT_CHANGE}' USING ERRCODE = 'restrict_violation';
        END""",
    "audit_check_insert": f"""
        DECLARE drawn bigint;
        BEGIN
            IF NEW.id <= (SELECT MAX(last_id) FROM {SEAL}) THEN
                BEGIN
                    drawn := currval(pg_get_serial_sequence('{EVENT}', 'id'));
                EXCEPTION WHEN object_not_in_prerequisite_state THEN drawn := NULL;
                END;
                IF drawn IS DISTINCT FROM NEW.id THEN
                    RAISE EXCEPTION '{NO_EARLIER_EVENT}' USING ERRCODE = 'restrict_violation';
                END IF;
            END IF;
            RETURN NEW;
        END""",
    "audit_queue_events": """
        BEGIN
            INSERT INTO audit_unsealedevent (event_id, written_at)
            SELECT id, clock_timestamp() FROM added;
            RETURN NULL;
        END""",
    "audit_check_seal_delete": f"""
        BEGIN
            IF OLD.number <= (
                SELECT MAX(pruned_to) FROM {SEAL} WHERE floor > 0 AND chain = OLD.chain
            ) THEN RETURN OLD; END IF;
            RAISE EXCEPTION '{NO_SEAL_CHANGE}' USING ERRCODE = 'restrict_violation';
        END""",
}
POSTGRESQL = {
    "audit_event_update": f"""
        BEFORE UPDATE ON {EVENT} FOR EACH ROW EXECUTE FUNCTION audit_check_update()""",
    "audit_event_delete": f"""
        BEFORE DELETE ON {EVENT} FOR EACH ROW EXECUTE FUNCTION audit_check_delete()""",
    "audit_event_check": f"""
        BEFORE INSERT ON {EVENT} FOR EACH ROW EXECUTE FUNCTION audit_check_insert()""",
    "audit_event_insert": f"""
        AFTER INSERT ON {EVENT} REFERENCING NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION audit_queue_events()""",
    "audit_seal_update": f"""
        BEFORE UPDATE ON {SEAL} FOR EACH ROW EXECUTE FUNCTION audit_refuse('{NO_SEAL_CHANGE}')""",
    "audit_seal_delete": f"""
        BEFORE DELETE ON {SEAL} FOR EACH ROW EXECUTE FUNCTION audit_check_seal_delete()""",
    "audit_key_delete": f"""
        BEFORE DELETE ON {KEY} FOR EACH ROW EXECUTE FUNCTION audit_refuse('{NO_KEY_CHANGE}')""",
}


def table_of(trigger: str) -> str:
    return {"event": EVENT, "seal": SEAL, "key": KEY}[trigger.split("_")[1]]


def creating(vendor: str) -> list[str]:
    """Statements that create what is missing."""
    if vendor == "sqlite":
        return [f"CREATE TRIGGER IF NOT EXISTS {name} {body}" for name, body in SQLITE.items()]
    functions = [
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$"
        for name, body in FUNCTIONS.items()
    ]
    return [*functions, *(f"CREATE TRIGGER {name} {body}" for name, body in POSTGRESQL.items())]


def dropping(vendor: str) -> list[str]:
    if vendor == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {name}" for name in SQLITE]
    return [
        *(f"DROP TRIGGER IF EXISTS {name} ON {table_of(name)}" for name in POSTGRESQL),
        *(f"DROP FUNCTION IF EXISTS {name}()" for name in FUNCTIONS),
    ]


def install(connection: BaseDatabaseWrapper) -> None:
    """Create all anew."""
    with connection.cursor() as cursor:
        for statement in [*dropping(connection.vendor), *creating(connection.vendor)]:
            cursor.execute(statement)


def remove(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        for statement in dropping(connection.vendor):
            cursor.execute(statement)


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of triggers that are not there, or are switched off."""
    if connection.vendor == "sqlite":
        wanted, sql = SQLITE, "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    else:
        wanted = POSTGRESQL
        sql = "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D' AND NOT tgisinternal"
    with connection.cursor() as cursor:
        cursor.execute(sql)
        found = {name for (name,) in cursor.fetchall()}
    return sorted(wanted.keys() - found)
