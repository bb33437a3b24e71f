"""What the demo's engine needs: a target, a key, syncs that it can carry out, and living rows."""

from collections.abc import Iterator, Sequence

from django.conf import settings

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Scope
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.demo.models import Demo, mark, marked_rows
from sequin_admin.health.status import Status
from sequin_admin.syncs import consumers, syncs, targets
from sequin_admin.syncs.models import Consumer, Sync, Target
from sequin_admin.tools.demo import pipeline
from sequin_admin.tools.simulator import SimulatorControl

KEY_FILE = settings.DATA_DIR / "demo-engine-key"
KEY_NAME, KEY_SCOPES = "Demo engine", (Scope.RUNS,)
# Collections that deploy/examples/dlt reads, by provider.
READ = {
    "stripe": ("customer", "charge"),
    "hubspot": ("contact",),
    "airtable": ("tblSpice000000001",),
}
# Syncs of each provider, rows of a collection, and its changes an hour.
EACH, ROWS, PER_HOUR = 2, 1_500, 1_800
FREQUENCY = "continuous"
BROKEN = (Status.CUSTOMER, Status.SEQUIN)


def prepare(demo: Demo, simulator: SimulatorControl, *, port: int, password: str) -> None:
    """At each start. Syncs, hearts and key are made at the first one."""
    point_target(demo, port, password)
    if KEY_FILE.exists() and marked_rows(demo, ApiKey).filter(name=KEY_NAME).exists():
        return
    chosen = [sync for provider in READ for sync in choose_syncs(demo, provider)]
    for sync in chosen:
        ids = [f"{sync.provider}:{name}" for name in READ[sync.provider]]
        syncs.update(sync, actor=None, collection_ids=ids, sync_frequency=FREQUENCY)
    for consumer in marked_rows(demo, Consumer):
        consumers.update(consumer, actor=None, syncs=chosen)
    for provider in READ:
        start_hearts(simulator, provider)
    make_key(demo)


def point_target(demo: Demo, port: int, password: str) -> None:
    """Let the demo's target be the engine's PostgreSQL."""
    for target in marked_rows(demo, Target).filter(name=pipeline.TARGET):
        targets.update(
            target,
            actor=None,
            password=password,
            host="127.0.0.1",
            port=port,
            database="warehouse",
            username="sequin",
            ssl_mode="disable",
        )


def choose_syncs(demo: Demo, provider: str) -> Sequence[Sync]:
    """The first ones of the provider that work; they are made for accounts that have none."""
    known = marked_rows(demo, Sync).filter(provider=provider).order_by("created_at", "pk")
    working = known.exclude(credential__health_status__in=BROKEN)
    return [*working[:EACH]] or [*make_syncs(demo, provider)]


def make_syncs(demo: Demo, provider: str) -> Iterator[Sync]:
    ids = [f"{provider}:{name}" for name in READ[provider]]
    slugs = [kind.slug for kind in kinds.of_provider(provider)]
    of_provider = marked_rows(demo, Credential).filter(kind__in=slugs)
    working = of_provider.exclude(health_status__in=BROKEN)
    for credential in working.order_by("created_at", "pk")[:EACH]:
        name = f"{credential.name}: {credential.provider_title}"
        sync = syncs.create(credential, actor=None, name=name, collection_ids=ids)
        mark(demo, sync)
        yield sync


def start_hearts(simulator: SimulatorControl, provider: str) -> None:
    """Let the rows of each of its accounts live."""
    for account in simulator.get(f"{provider}/accounts")["data"]:
        path = f"{provider}/accounts/{account['id']}"
        simulator.post(f"{path}/rows", count=ROWS)
        simulator.post(f"{path}/heart", per_hour=PER_HOUR)


def make_key(demo: Demo) -> None:
    """Its token is stored in a file: the server does not know it afterwards."""
    key, token = keys.create(demo.organization, name=KEY_NAME, scopes=KEY_SCOPES, actor=None)
    mark(demo, key)
    KEY_FILE.touch(mode=0o600)
    KEY_FILE.write_text(f"{token}\n")
