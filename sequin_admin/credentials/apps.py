from django.apps import AppConfig


class CredentialsConfig(AppConfig):
    name = "sequin_admin.credentials"

    def ready(self) -> None:
        from sequin_admin.core import keyring
        from sequin_admin.credentials.models import Credential

        digests = keyring.DigestColumn(Credential, "secrets_digest", Credential.newest_digest)
        keyring.register_column(digests)
