"""Sign-on at an OpenID server over https, by whose certificate we know it."""

import json
import ssl
from contextlib import suppress

import httpx2
import pytest
from django.urls import reverse

from sequin_admin.access.identity_providers import IdentityProvider
from sequin_admin.audit.models import Event
from sequin_admin.simulator.tls.authority import Authority
from tests.oauth_server.prepare import CLIENT_SECRET, SIGN_ON_CLIENT_ID
from tests.oauth_server.process import serving
from tests.patience import PATIENCE_S
from tests.postgres_cluster import wait_until
from tests.trusted_authority import trusting

BEGIN = reverse("openid_connect_login", args=["toolkit"])
PAUL = {"email": "paul@arrakis.test", "email_verified": True}


class Provider:
    """django-oauth-toolkit with a certificate, and a browser that trusts it."""

    def __init__(self, url, authority):
        self.url, self.authority = url, authority
        tls = ssl.create_default_context(cafile=authority.certificate_path)
        self.browser = httpx2.Client(verify=tls, timeout=PATIENCE_S, trust_env=False)

    def answers(self):
        with suppress(httpx2.HTTPError):
            return self.browser.get(f"{self.url}/me").status_code < 500

    def return_from(self, url, **told):
        """Where it sends the browser of Paul."""
        sent = {"name": "paul", "claims": json.dumps({"id_token": PAUL, **told})}
        self.browser.get(f"{self.url}/enter", params=sent)
        return self.browser.get(url).headers["location"]


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toolkit")
    authority, certificate = Authority(folder / "authority"), folder / "certificate.pem"
    certificate.write_bytes(authority.issue("127.0.0.1"))
    with serving(folder, certificate) as url:
        provider = Provider(url, authority)
        wait_until(provider.answers)
        yield provider
        provider.browser.close()


def name_provider(settings, url):
    settings.PUBLIC_URL = "http://testserver"
    given = {"issuer": f"{url}/o", "client_id": SIGN_ON_CLIENT_ID, "name": "Toolkit"}
    given |= {"client_secret": CLIENT_SECRET, "trust_email": True}
    settings.OIDC_PROVIDERS = {"toolkit": IdentityProvider.model_validate(given)}


def test_a_member_signs_on_over_tls(client, user, settings, provider):
    """Its configuration, keys and tokens are read over TLS, too."""
    name_provider(settings, provider.url)
    with trusting(provider.authority):
        begun = client.post(BEGIN, {"next": "/audit/"})["Location"]
        assert begun.startswith(f"{provider.url}/o/authorize")

        answer = client.get(provider.return_from(begun))

    assert (answer.status_code, answer["Location"]) == (302, "/audit/")
    assert client.session["_auth_user_id"] == str(user.pk)


def test_a_token_that_is_forged_is_refused_over_tls_as_well(client, user, settings, provider):
    name_provider(settings, provider.url)
    with trusting(provider.authority):
        begun = client.post(BEGIN)["Location"]

        assert client.get(provider.return_from(begun, forged=True)).status_code == 403

    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("wrong", ["authority", "name"])
def test_a_server_with_another_certificate_is_not_the_provider(
    client, user, settings, provider, tmp_path, caplog, wrong
):
    """Neither before nor after the browser has been there: no code or secret is sent to it."""
    other = Authority(tmp_path / "other") if wrong == "authority" else provider.authority
    url = provider.url if wrong == "authority" else provider.url.replace("127.0.0.1", "localhost")
    name_provider(settings, provider.url)
    with trusting(provider.authority):
        back = provider.return_from(client.post(BEGIN)["Location"])
    name_provider(settings, url)

    with trusting(other):
        begun, returned = client.post(BEGIN), client.get(back)

    assert (begun.status_code, returned.status_code) == (403, 403)
    assert "its certificate is refused" in caplog.text
    assert "_auth_user_id" not in client.session
    assert set(Event.objects.values_list("action", flat=True)) == {"user.sign_on_refused"}
