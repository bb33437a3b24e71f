"""What actions on credentials and OAuth apps reach."""

from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.dashboard.reach.model import IN_AUDIT_LOG, Reach, affected, links_of
from sequin_admin.dashboard.reach.pipeline import consumers_of
from sequin_admin.syncs.models import Sync


def reach_of_deleting_credential(credential: Credential) -> Reach:
    return Reach(
        stops=(
            "Every program that asks for its token, a permit or its health: 404 from then on.",
            links_of(reconnects=credential),
        ),
        stays=(
            f"The account at {credential.provider_title}. Our access to it is given back where "
            f"{credential.provider_title} takes it.",
            IN_AUDIT_LOG,
        ),
    ).refused_while_used(credential)


def reach_of_disabling_credential(credential: Credential) -> Reach:
    running = Sync.objects.filter(credential=credential, disabled_at=None)
    return Reach(
        stops=(
            "Every program that asks for its token or a permit is refused, and told why.",
            "We neither renew nor check it.",
            affected(running, "reads nothing", "read nothing"),
            affected(consumers_of(running), "gets nothing of these", "get nothing of these"),
        ),
        stays=("Its secrets, properties, limits and history. Enabled again, it goes on.",),
    )


def reach_of_replacing_account(credential: Credential) -> Reach:
    what = "reads from the other account", "read from the other account"
    return Reach(
        stops=(
            f"Our work with {credential.describe()}: whatever uses this credential works with the "
            "account that you connect next.",
            affected(Sync.objects.filter(credential=credential), *what),
        ),
        stays=("Its id, name, metadata and limits. The audit log keeps both accounts.",),
    )


def reach_of_deleting_oauth_app(app: OAuthApp) -> Reach:
    return Reach(
        stops=(
            "No account can be connected through it any more.",
            links_of(oauth_app=app),
        ),
        stays=(f"The app at {app.provider_title}, with its id and secret.", IN_AUDIT_LOG),
    ).refused_while_used(app)
