"""The step of OAuth 2.0 that requests-oauthlib leaves to its caller."""

from oauthlib.oauth2 import WebApplicationClient


def revoke(session, url, token, **options):
    """Revoke a token with a request built by oauthlib (RFC 7009 section 2.1)."""
    words = WebApplicationClient(session.client_id)
    url, headers, body = words.prepare_token_revocation_request(url, token)
    answer = session.post(url, headers=headers, data=body, withhold_token=True, **options)
    answer.raise_for_status()
