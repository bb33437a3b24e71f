"""Commands for credentials: list, get, verify, delete and connect-link."""

import pytest

from sequin_admin.connect.models import ConnectLink
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.limits import models as limits
from sequin_admin.limits.models import UsageSummary
from tests.factories import make_credential, make_oauth_app


@pytest.fixture
def champ(organization):
    return make_credential(
        organization, "checkout_champ_password", name="Shop", metadata={"plan": "pro", "seats": 5}
    )


@pytest.fixture
def stripe(organization):
    return make_credential(
        organization, "stripe_key", name="Billing", health_status="customer_intervention"
    )


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ([], ["Billing", "Shop"]),
        (["--provider", "stripe"], ["Billing"]),
        (["--kind", "checkout_champ_password"], ["Shop"]),
        (["--status", "customer_intervention"], ["Billing"]),
        (["--search", "bill"], ["Billing"]),
        (["--search", "plan:pro shop"], ["Shop"]),
        (["--metadata", "plan=pro", "--metadata", "seats=5"], ["Shop"]),
        (["--metadata", "seats=6"], []),
        (["--limit", "1"], ["Billing"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_list_chooses(run, champ, stripe, options, names):
    ran = run("credentials", "list", "--json", *options)

    assert [row["name"] for row in ran.json["data"]] == names
    assert (ran.code, ran.err) == (0, "")


def test_list_shows_a_table_for_people(run, champ, stripe):
    lines = run("credentials", "list").out.splitlines()

    assert [line.split()[1:] for line in lines] == [
        ["KIND", "NAME", "STATUS"],
        ["stripe_key", "Billing", "customer_intervention"],
        ["checkout_champ_password", "Shop", "healthy"],
    ]


def test_an_unknown_filter_is_refused_with_the_server_s_sentence(run):
    ran = run("credentials", "list", "--status", "fine")

    assert ran.code == 3
    assert "health.status" in ran.err


def test_a_search_says_what_was_found_and_where(run, champ, stripe):
    lines = run("search", "seats:5", "shop").out.splitlines()

    assert [line.split()[:3] for line in lines] == [
        ["WHAT", "ID", "NAME"],
        ["credential", str(champ.pk), "Shop"],
    ]
    assert "Nothing was found." in run("search", "neither").out + run("search", "neither").err
    assert run("search", "status:fine").code == 3


def test_get_shows_one_and_no_secret(run, champ):
    ran = run("credentials", "get", champ.pk)

    assert ran.code == 0
    for shown in (str(champ.pk), "Shop", "sample_login_id", "pro", "***********", "healthy"):
        assert shown in ran.out
    assert champ.secrets["password"] not in ran.out


def test_get_as_json_is_what_the_api_says(run, champ, api):
    assert run("credentials", "get", champ.pk, "--json").json == (
        api.get(f"/v1/credentials/{champ.pk}").json()
    )


def test_get_of_what_is_not_there_is_refused(run):
    ran = run("credentials", "get", "00000000-0000-0000-0000-000000000000")

    assert (ran.code, ran.out) == (3, "")
    assert "There is no such credential in your organization." in ran.err


def test_verify_says_who_must_act_and_ends_with_1(run, connected, simulated):
    good, bad = connected("checkout_champ_password"), connected("stripe_key")
    simulated.act("stripe", "acct_1Arrakis0000001", "expire_key")

    ran = run("credentials", "verify", good.pk, bad.pk, "--json")

    assert ran.code == 1
    assert [row["status"] for row in ran.json["data"]] == ["healthy", "customer_intervention"]
    assert ran.json["data"][1]["reason"].startswith("Stripe says this key has expired")


def test_verify_of_what_is_well_ends_with_0(run, connected):
    connected("checkout_champ_password")

    assert run("credentials", "verify", "--all").code == 0
    assert run("credentials", "verify", "--provider", "stripe", "--json").json == {"data": []}


def test_verify_says_which_id_is_not_there(run, champ):
    unknown = "00000000-0000-0000-0000-000000000000"

    ran = run("credentials", "verify", champ.pk, unknown)

    assert ran.code == 3
    assert f"{unknown}: There is no such credential" in ran.err


def test_delete_asks_and_without_a_yes_nothing_is_gone(run, champ):
    ran = run("credentials", "delete", champ.pk, stdin="n\n")

    assert ran.code == 1
    assert "Delete Shop (checkout_champ_password)?" in ran.err
    assert Credential.objects.filter(pk=champ.pk).exists()


def test_delete(run, champ):
    ran = run("credentials", "delete", champ.pk, "--yes", "--json")

    assert ran.json == {"id": str(champ.pk), "deleted": True}
    assert not Credential.objects.filter(pk=champ.pk).exists()


def test_a_connect_link_is_printed_alone(run, organization, live_server):
    ran = run(
        *("credentials", "connect-link", "--kind", "stripe_key"),
        *("--name", "Arrakis", "--metadata", "plan=pro", "--expires-in", "1h"),
    )

    link = ConnectLink.objects.get()
    assert ran.out.startswith(f"{live_server.url}/link/connect/")
    assert len(ran.out.splitlines()) == 1
    assert (link.name, link.metadata, link.kinds) == ("Arrakis", {"plan": "pro"}, ["stripe_key"])
    assert (link.expires_at - link.created_at).total_seconds() == pytest.approx(3600, abs=5)


def test_a_connect_link_reconnects_a_credential(run, stripe):
    ran = run("credentials", "connect-link", stripe.pk, "--json")

    assert ran.json["url"]
    assert ConnectLink.objects.get().reconnects == stripe


def test_an_oauth_app_is_registered_with_its_secret_from_stdin(run):
    ran = run(
        *("oauth-apps", "create", "hubspot", "--name", "Ours", "--client-id", "abc"),
        *("--redirect-uri", "https://product.example/done", "--scope", "oauth", "--json"),
        stdin="precious\n",
    )

    app = OAuthApp.objects.get()
    assert ran.json["id"] == str(app.pk)
    assert app.secrets == {"client_secret": "precious"}
    assert app.redirect_uris == ["https://product.example/done"]
    assert "precious" not in ran.out + ran.err


def test_an_oauth_app_s_further_properties_come_from_files(run, simulated, tmp_path):
    known = simulated.app("github")
    (tmp_path / "secret").write_text(known["client_secret"] + "\n")
    (tmp_path / "key.pem").write_text(known["private_key"])

    ran = run(
        *("oauth-apps", "create", "github", "--name", "Ours", "--client-id", known["client_id"]),
        *("--client-secret-file", "secret", "--property-file", "private_key=key.pem"),
        *("--property", f"app_id={known['app_id']}", "--property", f"slug={known['slug']}"),
    )

    assert ran.code == 0, ran.err
    assert OAuthApp.objects.get().secrets["client_secret"] == known["client_secret"]


def test_oauth_apps_are_listed(run, organization):
    app = make_oauth_app(organization, "hubspot")
    make_oauth_app(organization, "linear")

    ran = run("oauth-apps", "list", "--provider", "hubspot")

    assert [line.split()[0] for line in ran.out.splitlines()] == ["ID", str(app.pk)]
    assert len(run("oauth-apps", "list", "--json").json["data"]) == 2


def test_a_limit_is_changed_in_the_parts_that_are_given(run, champ):
    before = run("limits", "get", champ.pk, "--json").json

    ran = run("limits", "set", champ.pk, "--allowed-requests", 7, "--interval", "10s", "--json")
    shown = run("limits", "get", champ.pk).out

    wanted = {**before, "allowed_requests": 7, "interval": 10_000}
    assert ran.json == wanted
    assert "INTERVAL                 10,000 ms" in shown
    assert limits.get_rate_limit(Credential.objects.get(pk=champ.pk)).as_json() == wanted
    assert ran.err == ""


def test_those_that_use_most_of_their_limit_come_first(run, organization, champ):
    busy = make_credential(organization, "stripe_key", name="Busy")
    for row, hour, day in ((champ, 0.1, 0.9), (busy, 0.82, 0.1)):
        sums = {
            "hour_share": hour,
            "day_share": day,
            "day_refused": 1_200,
            "provider": row.provider,
        }
        UsageSummary.objects.create(organization=organization, credential=row, **sums)

    ran = run("limits", "usage")

    lines = ran.out.splitlines()
    assert lines[1].split()[:5] == ["Busy", "stripe_key", "82%", "10%", "1,200"]
    assert len(lines) == 3
    only = run("limits", "usage", "--limit", 1, "--kind", "checkout_champ_password", "--json").json
    assert [row["hour"]["share"] for row in only["data"]] == [0.1]


@pytest.mark.parametrize(("interval", "careful"), [("500", True), ("500ms", False), ("60s", False)])
def test_an_interval_that_looks_like_seconds_draws_a_warning(run, champ, interval, careful):
    ran = run("limits", "set", champ.pk, "--interval", interval)

    assert ran.code == 0
    assert ("If you mean 500 seconds, give --interval 500s." in ran.err) is careful
