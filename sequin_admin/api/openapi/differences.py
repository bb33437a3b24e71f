"""Where this API differs from the original Management API, and why. The reference page shows it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """`before` is what the original documented, `here` what this API does."""

    slug: str
    area: str
    topic: str
    before: str
    here: str
    why: str


ALL = (
    Difference(
        "lists",
        "Everywhere",
        "Lists",
        '`{"data": [...]}`, without pages.',
        'The same, plus `next_cursor`. Every list takes `cursor` and `limit` (100, up to 500).',
        "A list of ten thousand credentials does not fit into one answer.",
    ),
    Difference(
        "filters",
        "Everywhere",
        "Filters of lists",
        'Most were "coming soon"; a sync\'s list read `stream_id` from a JSON body on GET.',
        "All of them work, as query parameters. One that is not known is refused with 422.",
        "A misspelt filter would find everything.",
    ),
    Difference(
        "unknown-fields",
        "Everywhere",
        "Unknown fields",
        "Not said.",
        "Refused with 422 and their names.",
        "A misspelt field would be lost without a word.",
    ),
    Difference(
        "errors",
        "Everywhere",
        "Errors",
        "Not documented for the management paths.",
        '`{"summary": "...", "validation_errors": {"field.path": ["..."]}}`.',
        "It is the form that the same company documented later.",
    ),
    Difference(
        "ids-of-others",
        "Everywhere",
        "Ids of other organizations",
        "Not said.",
        "404, as for ids that never were.",
        "An answer must not tell that somebody else has something.",
    ),
    Difference(
        "times",
        "Everywhere",
        "Times",
        "ISO 8601; some examples without `T` or zone.",
        "RFC 3339 in UTC, to the second, with `Z`.",
        "One form needs one parser.",
    ),
    Difference(
        "etags",
        "Everywhere",
        "Two people changing the same thing",
        "Not said.",
        "Single resources have an `ETag`; PATCH and DELETE take `If-Match` and answer 412.",
        "Otherwise the last one wins and nobody notices.",
    ),
    Difference(
        "delete",
        "Everywhere",
        "Deleting",
        "Not documented, or only seen in use.",
        "DELETE everywhere; refused with 409 and the names of the users while it is in use.",
        "A credential must not be taken away under a running sync.",
    ),
    Difference(
        "extra-fields",
        "Everywhere",
        "Additions to answers",
        "No `rate_limit` on credentials; no `properties`, `scopes` or `redirect_uris` on OAuth "
        "apps; no `ssl_mode` or `schema` on targets.",
        "These are there, next to everything that was.",
        "The pages show them, and what the pages show the API must, too.",
    ),
    Difference(
        "import-answer",
        "Credentials",
        "Importing the same account again",
        "Updates the credential instead of making another; by which status was not said.",
        "201 for a new credential, 200 for an updated one. What makes two imports the same is the "
        "kind's identity (Stripe: account and mode, HubSpot: hub, ...) and the OAuth app. Only "
        "what differs is changed and probed; asterisks keep the stored secret, and are 422 for a "
        "new account. Where refresh tokens rotate, one that the account had before is not taken "
        "while its access lives: `notice` says so.",
        "A caller may want to know which of the two happened. An export of yesterday has spent "
        "refresh tokens: stored, they would end the access.",
    ),
    Difference(
        "import-path",
        "Credentials",
        "The path of the import",
        "`POST /v1/credentials/{id}` in a heading, `POST /v1/credentials` in the example.",
        "`POST /v1/credentials`.",
        "What is imported has no id yet.",
    ),
    Difference(
        "oauth-app-id",
        "Credentials",
        "`oauth_app_id` of an import",
        "Required by the table, left out by the providers' pages.",
        "Optional. When given it must be an app of the credential's provider.",
        "Keys and passwords have no OAuth app.",
    ),
    Difference(
        "name-type",
        "Credentials",
        "`name` and `metadata`",
        "`name` an object on one older page, `metadata` a string in tables of answers.",
        "`name` is a string, `metadata` an object.",
        "All examples have them so.",
    ),
    Difference(
        "shared-app",
        "Credentials",
        'The app `{"kind": "sequin"}`',
        "Stood in `oauth_app` when the vendor's own app was used.",
        "There is none: `oauth_app` is one of yours or null.",
        "A self-hosted installation has no vendor whose app could be shared.",
    ),
    Difference(
        "kind-names",
        "Credentials",
        "Names of kinds",
        "`stripe_oauth`, `stripe_sequin`, `github`, `salesforce` and `hubspot` in some examples.",
        "Those of the objects page only: `stripe_oauth2`, `github_app`, ... Others are refused "
        "with the list of those that exist.",
        "A name must mean one shape.",
    ),
    Difference(
        "stripe-secret",
        "Credentials",
        "Stripe's secret",
        "`secret` on the objects page, `secret_key` on the provider's.",
        "`secret`.",
        "The objects page is the specification.",
    ),
    Difference(
        "github-installation",
        "Credentials",
        "`installation_id` and other numbers",
        "Typed integer, a string in the example.",
        "A string of digits is taken, an integer is given back.",
        "Both kinds of callers exist; answers keep to the type.",
    ),
    Difference(
        "hubspot-domain",
        "Credentials",
        "HubSpot's `hub_domain`",
        "Required.",
        "Optional.",
        "HubSpot does not name it for every account.",
    ),
    Difference(
        "linear-expires",
        "Credentials",
        "Linear's `expires_in_s`",
        "In the type, in no example.",
        "Optional.",
        "The documented example has to be accepted.",
    ),
    Difference(
        "kinds-added",
        "Credentials",
        "Kinds",
        "Nine; seven of the listed providers had none.",
        "Every listed provider has at least one kind; properties of ours are marked.",
        "A provider without a kind can't be connected.",
    ),
    Difference(
        "masks",
        "Credentials",
        "Secrets in answers",
        "Asterisks.",
        "The same. Plain text takes `truncate_secrets=false` and the scope `secrets`, and is "
        "written to the audit log.",
        "Who has seen a secret must be known.",
    ),
    Difference(
        "app-properties",
        "OAuth apps",
        "What else an app needs",
        "`client_id` and `client_secret`.",
        "`properties` for GitHub (`app_id`, `slug`, `private_key`) and Stripe (`app_type`).",
        "A GitHub app can't sign without its private key.",
    ),
    Difference(
        "redirect-uris",
        "OAuth apps",
        "Redirect addresses",
        "Registered in the console only.",
        "`redirect_uris` on the app, here and on its page. Changing them takes the scope "
        "`secrets`.",
        "All that the dashboard does can be done here.",
    ),
    Difference(
        "app-answers",
        "OAuth apps",
        "Answer of get and update",
        "Shown in the wrapper of a list.",
        "The bare object.",
        "All other single reads answer with it.",
    ),
    Difference(
        "stream-answer",
        "Streams",
        "Answer of create",
        "The bare object on its page, `data` around it in the live service.",
        "The bare object.",
        "All other creates answer with it.",
    ),
    Difference(
        "stream-id",
        "Syncs",
        "`stream_id`",
        "Required in the later generation, unknown to the earlier one.",
        "Optional, and it can't be changed.",
        "Records are not stored here, so a sync can do without a stream.",
    ),
    Difference(
        "sync-credential",
        "Syncs",
        "`credential` or `credential_id`",
        "One of the two.",
        "Exactly one; both or none is refused with 422, as is a credential of another provider.",
        "Guessing which one was meant would connect the wrong account.",
    ),
    Difference(
        "sync-frequency",
        "Syncs",
        "`sync_frequency`",
        "`continuous` or `4h`.",
        "`continuous`, or any number with `m`, `h` or `d`.",
        "Four hours can't be the only choice.",
    ),
    Difference(
        "sync-rate",
        "Syncs",
        "`rate_limit`",
        "A default by provider.",
        "The credential's own limit; a sync may narrow it, never widen it.",
        "The provider counts by account, whichever sync calls.",
    ),
    Difference(
        "interval",
        "Syncs",
        "`rate_limit.interval`",
        "Milliseconds by the text; `60` in examples, which only reads as seconds.",
        "Milliseconds, from 100 up to a day. 60 is refused.",
        "A limit that is a thousand times too wide gets an account banned.",
    ),
    Difference(
        "concurrency",
        "Syncs",
        "`max_concurrent_requests` 0",
        "In every example, unexplained.",
        "No cap.",
        "Zero requests at the same time would mean none at all.",
    ),
    Difference(
        "retention",
        "Syncs",
        "`max_age_days`",
        "What is older is neither synced nor retained.",
        "Kept and given to the sync's worker, which does the reading and the removing.",
        "This is a control plane: records don't pass through it.",
    ),
    Difference(
        "sync-health",
        "Syncs",
        "Health of a sync",
        'Embedded as `{"status", "sync_id"}`; no page for one of its own.',
        "The same, and `GET /v1/syncs/{id}/health` with reasons, checks and history. "
        "`POST /v1/syncs/{id}/report` lets the worker say how it goes.",
        "A status without its reason helps nobody.",
    ),
    Difference(
        "collections-unread",
        "Collections",
        "Collections before the first reading",
        "Not said.",
        "The provider's well-known ones; the refresh counts as `succeeded`.",
        "A sync can be made right after the connection.",
    ),
    Difference(
        "refresh-error",
        "Collections",
        "State of a refresh",
        "The field is `status`, a text calls it `state`.",
        '`status`; `error` is `{"code", "message"}` or null.',
        "The object's page is the specification.",
    ),
    Difference(
        "target-path",
        "Targets",
        "The path",
        "`/v1/targets/postgres` in headings, `/v1/targets/db` in an example.",
        "`/v1/targets/postgres`.",
        "It names the kind of target, as `/v1/consumers/postgres` does.",
    ),
    Difference(
        "target-hint",
        "Targets",
        "The password in answers",
        "first4...last4.",
        "The same to a key with the scope `secrets`, asterisks to others.",
        "Eight characters of a password are a part of the secret.",
    ),
    Difference(
        "ssh-tunnel",
        "Targets",
        "`ssh_tunnel_id`",
        "Optional on create and update; no page to make a tunnel.",
        "Always null in answers, refused on input.",
        "There are no tunnels here; run one beside the installation and name its end as the host.",
    ),
    Difference(
        "test-connection",
        "Targets",
        "Trying a connection",
        "Not documented.",
        '`POST .../test_connection` answers `{"success": true}` or `{"success": false, "reason"}`.',
        "It is the form that the same company documented later.",
    ),
    Difference(
        "source-addresses",
        "Targets",
        "Addresses to allow",
        "Two addresses of the vendor.",
        "None: connections come from your own machines.",
        "It runs where you run it.",
    ),
    Difference(
        "consumer-sync-id",
        "Consumers",
        "`sync_id` of the list",
        "Marked as required, described as a filter.",
        "A filter; it also finds consumers of all syncs.",
        "A list that needs an id is not a list.",
    ),
    Difference(
        "consumer-writes",
        "Consumers",
        "Making, changing and deleting them",
        "Not documented.",
        "POST, PATCH and DELETE on the same base.",
        "What can be listed must come from somewhere.",
    ),
    Difference(
        "health-words",
        "Health",
        "Words of a status",
        "`ok`, `warn`, `error` in the early generation, and in filters of the later one.",
        "`healthy`, `customer_intervention`, `sequin_intervention`, also in filters. The last "
        "means the people who run this installation.",
        "The later words say who must act.",
    ),
    Difference(
        "health-notes",
        "Health",
        "`notes`, `time` and parts",
        "On the health itself in the early generation.",
        "At `.../health` of each object: sentence, reasons by part, checks, history.",
        "The embedded object stays the one of the specification.",
    ),
    Difference(
        "gateway-host",
        "Auth gateway",
        "Addresses",
        "`auth-gateway.sequin.io` for callbacks, `api.sequin.io` for the rest.",
        "This installation for all of them; the paths are the same.",
        "There is one host.",
    ),
    Difference(
        "gateway-start",
        "Auth gateway",
        "How a trip begins",
        "`POST /v1/credentials/start-auth` in the early generation; an undocumented authorize "
        "address in the later one.",
        "`start-auth`, always with an app: where the client is the customer's, any app of yours on "
        "which `redirect_url` is registered.",
        "It is the documented one, and no app's address serves another app.",
    ),
    Difference(
        "gateway-code",
        "Auth gateway",
        "The code",
        "Its life, single use and errors were not said.",
        "60 seconds, once, bound to organization or app and redirect address. A refusal comes back "
        "as `error` and `error_description`.",
        "RFC 6749 section 4.1.2.",
    ),
    Difference(
        "gateway-secret",
        "Auth gateway",
        "`client_secret` at `POST /link/oauth2/token`",
        "The provider's client secret of the OAuth app.",
        "A secret of ours for each app, made and rotated on its page or at "
        "`POST /v1/oauth-apps/{id}/gateway-secret`. Kinds whose client is the customer's use "
        "`exchange-code`.",
        "Who may set the provider's secret could read every credential with it.",
    ),
    Difference(
        "exchange-code",
        "Auth gateway",
        "`POST /v1/credentials/exchange-code`",
        "Named, not described.",
        "Takes `code` and, if you like, `redirect_uri`; needs the scope `secrets`. Answers as "
        "`POST /link/oauth2/token` does.",
        "It gives out secrets in plain text.",
    ),
    Difference(
        "gateway-state",
        "Auth gateway",
        "`state`",
        "Any JSON up to 5 kB in one generation, a string in the other.",
        "Any JSON up to 5,000 bytes, handed back unchanged. A short string also stands in the "
        "redirect.",
        "A string is JSON, too.",
    ),
    Difference(
        "out-of-scope",
        "Not here",
        "Records, events, mutations, proxy and HTTP pull consumers",
        "`/v1/records`, `/v1/mutations/run`, `/v1/proxy/...`, `/v1/http-consumers`.",
        "They do not exist. Workers fetch a token and permits here and call the provider "
        "themselves. `/v1/events` is the audit log.",
        "This is the control plane: customers' records never pass through it.",
    ),
)  # fmt: skip


def get_difference(slug: str) -> Difference:
    return next(difference for difference in ALL if difference.slug == slug)


def as_markdown() -> str:
    """A heading by area, and a paragraph for each difference."""
    lines = []
    for area in dict.fromkeys(difference.area for difference in ALL):
        lines.append(f"### {area}")
        lines += [paragraph(difference) for difference in ALL if difference.area == area]
    return "\n\n".join(lines)


def paragraph(difference: Difference) -> str:
    return (
        f"**{difference.topic}.** *Original:* {difference.before} *Here:* {difference.here} "
        f"*Why:* {difference.why}"
    )
