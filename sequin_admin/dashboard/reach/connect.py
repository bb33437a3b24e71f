"""What actions on connect links, batches and gateway secrets reach."""

from django.template.defaultfilters import pluralize

from sequin_admin.connect import batches
from sequin_admin.connect.models import Batch, ConnectLink, LinkState
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential, GatewaySecret, OAuthApp
from sequin_admin.dashboard.reach.model import IN_AUDIT_LOG, Reach, affected

CONNECTED = "stays connected", "stay connected"


def reach_of_withdrawing_link(link: ConnectLink) -> Reach:
    reconnected = Credential.objects.filter(pk=link.reconnects_id)
    return Reach(
        stops=(
            "Its address, at once: whoever opens it reads that it was withdrawn, and whom to ask.",
            "A login with it that is under way: nothing is connected at its end.",
        ),
        stays=(
            affected(reconnected, "stays as it is"),
            f"Accounts that are connected. {link.organization} can make another link.",
            IN_AUDIT_LOG,
        ),
    )


def reach_of_withdrawing_batch(batch: Batch) -> Reach:
    todo = batch.items.filter(done_at=None).count()
    if not batch.makes_links:
        return Reach(
            stops=(
                f"{todo:,} limit{pluralize(todo)} that {pluralize(todo, 'is,are')} not set yet.",
            ),
            stays=("Limits that are set, until somebody changes them.", IN_AUDIT_LOG),
        )
    links = ConnectLink.objects.of(batch.organization).filter(batch=batch.pk)
    done = links.in_state(LinkState.COMPLETED, clock.now()).values("credential")
    is_open = batches.open_links(batch).defer("secrets").select_related("reconnects")
    not_made = f"{todo:,} link{pluralize(todo)} that {pluralize(todo, 'is,are')} not made yet."
    return Reach(
        stops=(
            affected(is_open, "leads nowhere any more", "lead nowhere any more"),
            not_made if todo else None,
        ),
        stays=(
            affected(Credential.objects.filter(pk__in=done), *CONNECTED),
            "The credentials that the links are for, as they are.",
            IN_AUDIT_LOG,
        ),
    )


def reach_of_rotating_gateway_secret(app: OAuthApp, current: GatewaySecret) -> Reach:
    has_former = current.former_until is not None and current.former_until > clock.now()
    return Reach(
        stops=(
            f"The secret that starts with {current.prefix}, when the time that you choose here is "
            "over: a product that still sends it is refused.",
            "The secret from before the last rotation, now." if has_former else None,
        ),
        stays=(
            affected(app.credentials.all(), *CONNECTED),
            f"The client id and secret at {app.provider_title}, and API keys.",
        ),
    )


def reach_of_replacing_client_secret(app: OAuthApp) -> Reach:
    return Reach(
        stops=(
            "The client secret that is stored here: we forget it.",
            affected(
                app.credentials.all(),
                "is renewed with the new one from now on",
                "are renewed with the new one from now on",
            ),
        ),
        stays=(
            "Access tokens, until they end by themselves.",
            f"The app at {app.provider_title}, with its client id and scopes. End the old secret "
            "there when this page's health says that the new one works.",
        ),
    )
