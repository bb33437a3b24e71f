"""Fill an empty database with one user and one confidential client, then run gunicorn."""

import os

import django
from django.core.management import call_command

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.oauth_server.settings")
CLIENT_ID, CLIENT_SECRET = "the-client", "the-client-secret"
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


if __name__ == "__main__":
    main()
