"""The introduction of the reference page, and the descriptions of its tags."""

from sequin_admin.api.openapi import differences

INTRO = """
Everything that the dashboard does, for programs. Send and read JSON. Ids are UUIDs, times are
RFC 3339 in UTC. Unknown fields and query parameters are refused by name, so that nothing
misspelt is lost.

## Authentication

Make a key under **API keys** in the dashboard and send it with every request:

    curl -H "Authorization: Bearer sqn_..." {base}/v1/credentials

A key belongs to one organization and sees nothing of any other: their ids answer 404. Its scopes
say what it may do: `read`, `write`, `permits` (take permits), `secrets` (tokens and secrets in
plain text) and `keys` (manage API keys). A missing scope answers 403 and names it.
People's roles, and the organization's name and logo, are changed by its owners on their pages: a
key has no role, and none can make itself an owner.

## Pagination

Lists answer `{{"data": [...], "next_cursor": "..."}}`. Send `cursor=` that value for the next page;
null means that this was the last. `limit` is 100 unless you say otherwise, up to 500. Rows that
come and go in the meantime neither repeat nor skip others.

## Errors

Every error is `{{"summary": "a sentence"}}`; 422 adds `validation_errors`, sentences by the path of
the field. What you sent is never repeated, so an error can be logged. `X-Request-Id` stands on
every answer and in our logs: tell it when you ask for help.

| Status | Means | Try again? |
| --- | --- | --- |
| 400 | not JSON | no |
| 401, 403 | no valid key; a scope is missing | no |
| 404 | nothing there, or not yours | no |
| 409 | it is in use, or the access is gone: the sentence says whose move it is | after that move |
| 412 | changed since you read it | after reading it again |
| 413, 422 | too big; not valid | no |
| 429 | too fast | after `Retry-After` seconds |
| 500 | our fault | yes |
| 503 | the provider, the limiter or our database can't be reached | after `Retry-After` seconds |

## Idempotency

Importing a credential is an upsert: the same account again updates it, and only what differs.
Asterisks keep the stored secret. A refresh token that rotates is not taken when the account had it
before and its access lives; `notice` in the answer says so. For any other `POST` send
`Idempotency-Key: <a UUID of yours>`. Within 24 hours the same key with the same body gets the same
answer and does nothing twice; with another body it is refused with 409.

## ETags

Single resources come with an `ETag`. Send it back as `If-Match` with `PATCH` or `DELETE`, and the
change is only made if nobody else was quicker; else the answer is 412.

## Rate limits

There are two, and they have nothing to do with each other. How fast *you* may call this API
stands in the `RateLimit-*` headers; beyond it comes 429 with `Retry-After`. How fast your workers
may call a *provider* is a credential's `rate_limit`: take a permit for each call.
"""

# Collapsed where Markdown is rendered as HTML: most readers want the operations below.
DIFFERENCES = """
## Differences from the original Management API

This API follows the Management API of the hosted product from 2024. Where its pages disagreed with
one another, or a self-hosted control plane can't do the same, we chose.

<details>
<summary>All {count} differences, each with its reason</summary>

{list}

</details>
"""

TAGS = {
    "Credentials": "How a customer's account at a provider is reached. One shape for every kind: "
    "what differs stands in `properties`, told apart by `kind`.",
    "Tokens": "What a worker needs for its next call: headers with a token that is still valid, "
    "renewed first when needed.",
    "Permits": "The permission to make the next call. No window of a credential's rate limit ever "
    "sees more calls than allowed, over all workers.",
    "Auth gateway": "Let a customer connect an account from within your own product.",
    "OAuth apps": "Your clients at the providers. Tokens belong to the app that got them.",
    "Streams": "What syncs write to, by a name of yours.",
    "Syncs": "Which collections of an account are read, how often, and how that goes.",
    "Collections": "What an account holds, as far as it was read.",
    "Consumers": "Which syncs are written to which target.",
    "Targets": "The databases that are written to.",
    "Health": "What is broken, since when, and who must act.",
    "Webhooks": "Messages to an address of yours when something happens, signed.",
    "API keys": "Keys for this API. A key is shown once.",
    "Connect links": "Addresses that a customer opens to connect an account, without a login.",
    "Events": "The audit log: who did what, when.",
    "Usage": "How much of their rate limits credentials use.",
    "Notifications": "Mail and Slack channels for what happens here, and mails to your customers.",
    "Kinds": "What kinds of credential there are: their properties, scopes, rates and plans.",
    "Organization": "Your organization and its members.",
}


def introduction(base: str) -> str:
    """The whole introduction, in Markdown, with this installation's address."""
    listed = DIFFERENCES.format(count=len(differences.ALL), list=differences.as_markdown())
    return f"{INTRO.format(base=base)}\n{listed}".strip()


def tags(used: set[str]) -> list[dict[str, str]]:
    """In the order of `TAGS`; tags without a description come last."""
    known = [{"name": name, "description": TAGS[name]} for name in TAGS if name in used]
    return known + [{"name": name} for name in sorted(used - TAGS.keys())]
