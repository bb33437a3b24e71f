"""Claims that a test has the server put into a person's ID token, also wrong ones."""

from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator

# By the name of the user. The server is one process.
CLAIMS: dict[str, dict[str, Any]] = {}


class ClaimsValidator(OAuth2Validator):
    """Of the package, with the claims of the test over its own."""

    def get_id_token_dictionary(self, token, token_handler, request):
        claims, expires = super().get_id_token_dictionary(token, token_handler, request)
        return {**claims, **CLAIMS.get(request.user.username, {}).get("id_token", {})}, expires

    def get_userinfo_claims(self, request):
        told = CLAIMS.get(request.user.username, {}).get("userinfo", {})
        return {**super().get_userinfo_claims(request), **told}

    def finalize_id_token(self, id_token, token, token_handler, request):
        signed = super().finalize_id_token(id_token, token, token_handler, request)
        forged = CLAIMS.get(request.user.username, {}).get("forged")
        return signed.rpartition(".")[0] + "." + "A" * 342 if forged else signed
