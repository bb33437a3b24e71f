"""Fill an empty database with one user and two confidential clients, then run gunicorn."""

import os

import django
from django.core.management import call_command

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.oauth_server.settings")
CLIENT_ID, CLIENT_SECRET = "the-client", "the-client-secret"
# The other client signs people on.
SIGN_ON_CLIENT_ID = "sign-on"
SIGN_ON_REDIRECT_URI = "http://testserver/accounts/oidc/toolkit/login/callback/"
REDIRECT_URI = "http://127.0.0.1:8000/link/oauth2/callback/toolkit"


def main() -> None:
    django.setup()
    from django.contrib.auth import get_user_model
    from oauth2_provider.models import Application

    call_command("migrate", verbosity=0)
    owner = get_user_model().objects.create_user("arrakis")
    Application.objects.create(
        name="Sequin Admin",
        user=owner,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris=REDIRECT_URI,
    )
    Application.objects.create(
        name="Sequin Admin sign-on",
        client_id=SIGN_ON_CLIENT_ID,
        client_secret=CLIENT_SECRET,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris=SIGN_ON_REDIRECT_URI,
        algorithm=Application.RS256_ALGORITHM,
        skip_authorization=True,
    )


if __name__ == "__main__":
    main()
