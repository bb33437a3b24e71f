"""Import and export of files of credentials."""

import csv
import json
import os
import stat

import pyrage
import pytest

from sequin_admin.access import keys
from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.kinds import KindShape, kind_out
from sequin_admin.audit.models import Event
from sequin_admin.command_line import importing, trials
from sequin_admin.command_line.formats import Item
from sequin_admin.command_line.trials import try_items
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from tests.factories import make_credential, make_oauth_app, sample_properties

MARK = "canary7f3e"


def champ(number, **more):
    properties = {"login_id": f"user{number}", "password": f"{MARK}{number}"}
    return {"properties": {"kind": "checkout_champ_password", **properties}, **more}


@pytest.fixture
def write(tmp_path):
    def write(name, value):
        text = value if isinstance(value, str) else json.dumps(value)
        (tmp_path / name).write_text(text)
        return name

    return write


@pytest.fixture
def keypair(tmp_path):
    """An age key pair in a file; returns the public key."""
    identity = pyrage.x25519.Identity.generate()
    public = identity.to_public()
    (tmp_path / "key.txt").write_text(f"# public key: {public}\n{identity}\n")
    return str(public)


def test_an_import_says_of_each_row_what_became_of_it(run, write):
    run("credentials", "import", write("first.json", [champ(1, name="One")]))

    ran = run("credentials", "import", write("both.json", [champ(1), champ(2)]), "--json")

    assert (ran.code, ran.err) == (0, "")
    rows = [(row["row"], row["result"], row["kind"]) for row in ran.json["data"]]
    kind = "checkout_champ_password"
    assert rows == [(1, "updated", kind), (2, "created", kind)]
    assert {row["id"] for row in ran.json["data"]} == {
        str(pk) for pk in Credential.objects.values_list("pk", flat=True)
    }


def test_people_get_a_table_and_a_summary(run, write):
    ran = run("credentials", "import", write("one.json", [champ(1, name="One")]))

    assert [line.split()[:4] for line in ran.out.splitlines()] == [
        ["ROW", "NAME", "KIND", "RESULT"],
        ["1", "One", "checkout_champ_password", "created"],
    ]
    assert ran.err == "1 created, 0 updated, 0 refused.\n"


def test_a_dry_run_changes_nothing(run, write):
    ran = run("credentials", "import", write("one.json", [champ(1)]), "--dry-run", "--json")

    assert (ran.code, ran.json["created"], ran.json["dry_run"]) == (0, 1, True)
    assert not Credential.objects.exists()


def test_what_can_t_be_read_is_left_out_and_ends_with_1(run, write):
    rows = [champ(1), champ(2, nmae="x")]

    ran = run("credentials", "import", write("some.json", rows), "--json")

    assert ran.code == 1
    assert [row["result"] for row in ran.json["data"]] == ["created", "refused"]
    assert ran.json["data"][1]["reason"] == "`nmae` is not known here: remove it."
    assert Credential.objects.count() == 1


def test_a_masked_secret_is_kept_and_refused_for_a_new_account(run, write):
    run("credentials", "import", write("first.json", [champ(1, name="One")]))
    text = "kind,name,login_id,password\ncheckout_champ_password,{},{},***********\n"

    kept = run("credentials", "import", write("known.csv", text.format("Uno", "user1")), "--json")
    new = run("credentials", "import", write("new.csv", text.format("Two", "user2")), "--json")

    assert (kept.code, kept.json["updated"]) == (0, 1), kept.out
    assert (new.code, new.json["refused"]) == (1, 1)
    assert "This is a mask" in new.json["data"][0]["reason"]
    stored = Credential.objects.get()
    assert (stored.name, stored.secrets["password"]) == ("Uno", f"{MARK}1")


def test_a_row_with_a_token_that_is_not_taken_says_so(run, write, organization):
    app = make_oauth_app(organization, "airtable")
    row = {
        "properties": sample_properties(kinds.get("airtable_oauth2")),
        "oauth_app_id": str(app.pk),
    }
    run("credentials", "import", write("one.json", [row]))

    ran = run("credentials", "import", write("again.json", [row]), "--json")

    (shown,) = ran.json["data"]
    assert (ran.code, shown["result"]) == (0, "updated")
    assert "the stored one was kept" in shown["reason"]


def test_strict_imports_all_or_nothing(run, write):
    ran = run("credentials", "import", write("some.json", [champ(1), "x"]), "--strict", "--json")

    assert ran.code == 1
    assert (ran.json["created"], ran.json["refused"]) == (0, 1)
    assert not Credential.objects.exists()


def test_what_the_server_refuses_is_told_by_rows_of_the_file(run, write):
    text = (
        "kind,name,secret,login_id,password\n"
        "checkout_champ_password,,,user1,hush\n"
        f"stripe_key,Arrakis,{MARK},,\n"
        "checkout_champ_password,,,user2,hush\n"
    )

    ran = run("credentials", "import", write("odd.csv", text), "--json")

    assert ran.code == 1
    assert [(row["row"], row["result"]) for row in ran.json["data"]] == [
        (2, "created"),
        (3, "refused"),
        (4, "created"),
    ]
    reason = ran.json["data"][1]["reason"]
    assert reason.startswith("properties.secret: This does not have the form")
    assert MARK not in ran.out + ran.err


def test_refused_rows_are_corrected_in_a_report_and_imported(run, write, tmp_path):
    text = (
        "kind;login_id;password;name;secret\n"
        "checkout_champ_password;user1; hush ;One;\n"
        "checkout_champ_password;user2;hush;Two;left over\n"
        f"stripe_key;;;Arrakis;{MARK}\n"
        "nope;;;;\n"
    )
    report = tmp_path / "refused.csv"

    ran = run("credentials", "import", write("odd.csv", text), "--report", "refused.csv", "--json")

    assert (ran.json["created"], ran.json["refused"]) == (1, 3)
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert "Refused rows are in refused.csv" in ran.err
    assert MARK not in ran.out + ran.err
    header, two, stripe, nope = csv.reader(report.read_text().splitlines())
    assert header == ["kind", "login_id", "password", "name", "secret", "refused_because"]
    assert two[:5] == ["checkout_champ_password", "user2", "hush", "Two", "left over"]
    assert "`secret`" in two[5] or "is not known here" in two[5]
    corrected = [header, [*stripe[:4], "sk_test_1", stripe[5]], [*two[:4], "", two[5]]]
    write("refused.csv", "\n".join(map(",".join, corrected)))

    again = run("credentials", "import", "refused.csv", "--json")

    assert (again.code, again.json["created"]) == (0, 2), again.out
    assert nope[0] == "nope"
    assert Credential.objects.get(name="One").secrets["password"] == " hush "


def test_what_is_kept_in_another_form_is_told_by_row(run, write):
    text = f"kind,shop,access_token\nshopify_oauth2,SHOP-001.myshopify.com,{MARK}\n"

    tried = run("credentials", "import", write("one.csv", text), "--dry-run", "--json")

    [row] = tried.json["data"]
    assert row["reason"] == "Shop is kept as shop-001.myshopify.com."


def test_duplicates_in_a_file_are_reported_by_row(run, write):
    text = "kind,login_id,password\n" + "checkout_champ_password,user1,hush\n" * 2

    ran = run("credentials", "import", write("duplicates.csv", text), "--json")

    said = "row 2 and row 3 are the same account. Send one of them."
    assert [row["reason"] for row in ran.json["data"]] == [said, said]


def test_a_large_file_goes_in_pieces_of_a_thousand(run, write):
    rows = [champ(number) for number in range(1001)]

    ran = run("credentials", "import", write("large.json", rows), "--json")

    assert ran.json["created"] == 1001
    assert [row["row"] for row in ran.json["data"]] == list(range(1, 1002))


def test_one_account_in_two_pieces_is_found_before_anything_is_imported(run, write):
    rows = [*(champ(number) for number in range(999)), champ(0, name="One"), champ(3), champ(3)]
    file = write("large.json", [*rows, champ(0), champ(1000)])

    strict = run("credentials", "import", file, "--strict")
    assert not Credential.objects.exists()
    ran = run("credentials", "import", file, "--json")

    said = {row["row"]: row["reason"] for row in ran.json["data"] if row["reason"]}
    same = "row {} and row {} are the same account. Send one of them."
    assert said[1] == said[1000] == same.format(1, 1000)
    assert said[1001] == said[1002] == same.format(1001, 1002)
    assert said.keys() == {1, 1000, 1001, 1002}
    assert (strict.code, ran.json["created"]) == (1, 1000)


def test_rows_that_are_one_account_are_each_named():
    """Tried one by one; the last shares a mark with the first, and another with the second."""
    items = [Item(row, champ(row)) for row in (2, 3, 5, 7)]
    marks = [["a"], ["b"], ["c"], ["a", "b"]]
    trial = trials.Trial(items, [{"row": item.row} for item in items], accounts=marks)

    trial.refuse_duplicates()

    assert [item.row for item in trial.good] == [row["row"] for row in trial.results] == [5]
    assert {row["row"]: row["reason"] for row in trial.refused} == {
        2: "row 2 and row 7 are the same account. Send one of them.",
        3: "row 3 and row 7 are the same account. Send one of them.",
        7: "row 2 and row 7 are the same account. Send one of them.",
    }


def test_an_import_that_is_cut_off_says_how_far_it_came(bare, write, script):
    [kind] = [k for k in kinds.all() if k.slug == "checkout_champ_password"]
    shape = KindShape.model_validate(kind_out(kind)).model_dump()
    done = [{"index": n, "id": None, "result": "created"} for n in range(1000)]
    script.say((200, {"data": [shape], "next_cursor": None}))
    script.say((200, {"data": done}), (200, {"data": done[:500]}))  # tried
    script.say((200, {"data": done}), (403, {"summary": "The key was revoked."}))
    rows = [champ(number) for number in range(1500)]
    file = write("large.json", [*rows, {"properties": {"kind": "nope"}}])
    known = {"SEQUIN_URL": script.url, "SEQUIN_API_KEY": "x"}
    command = ("credentials", "import", file, "--report", "refused.json", "--json")

    ran = bare(*command, **known)

    assert ran.code == 3
    assert (ran.json["created"], ran.json["refused"]) == (1000, 1)
    assert "The rest was not imported." in ran.err
    assert "The key was revoked." in ran.err

    # Again: each piece has the key that it had, so that what is done is not done twice.
    script.say((200, {"data": [shape], "next_cursor": None}))
    script.say(*[(200, {"data": rows}) for rows in (done, done[:500])] * 2)
    again = bare(*command, **known)
    first, second = [
        [heads["Idempotency-Key"] for _, _, heads, body in calls if b'"dry_run":false' in body]
        for calls in (script.seen[:5], script.seen[5:])
    ]
    assert (again.code, again.json["created"]) == (1, 1500)
    assert "Refused rows are in refused.json" in again.err
    assert first == second


def test_the_file_may_come_from_stdin(run):
    ran = run("credentials", "import", "-", "--json", stdin=json.dumps(champ(1)))

    assert ran.json["created"] == 1


def test_an_oauth_app_is_given_to_those_of_its_provider(run, write, organization):
    app = make_oauth_app(organization, "hubspot")
    hubspot = {"properties": sample_properties(kinds.get("hubspot_oauth2"))}
    file = write("two.json", [hubspot, champ(1)])

    without = run("credentials", "import", file, "--dry-run")
    ran = run("credentials", "import", file, "--oauth-app", app.pk)

    assert "without an OAuth app (hubspot): their tokens can't be renewed" in without.err
    assert ran.code == 0, ran.err
    assert Credential.objects.get(kind="hubspot_oauth2").oauth_app == app
    assert Credential.objects.get(kind="checkout_champ_password").oauth_app is None


def test_airflow_and_nango_exports_are_known_by_their_contents(run, write):
    airflow = {"stripe": {"conn_type": "http", "host": "api.stripe.com", "password": "sk_test_1"}}
    nango = {
        "connection_id": "mails",
        "provider_config_key": "sendgrid",
        "credentials": {"type": "API_KEY", "apiKey": "SG.a.b"},
    }

    for file in (write("connections.json", airflow), write("nango.json", [nango])):
        ran = run("credentials", "import", file)
        assert ran.code == 0, ran.err

    names = set(Credential.objects.values_list("kind", "name"))
    assert names == {("stripe_key", "stripe"), ("sendgrid_key", "mails")}


def test_export_and_import_are_inverse(run, organization, keypair, tmp_path):
    """Through an encrypted file, into another organization, with every kind."""
    made = [make_credential(organization, kind.slug, marker="m") for kind in kinds.all()]
    for row in (row for row in made if row.kind == "servicenow_oauth2"):
        # Without it an import tells when the token ends at the latest.
        row.properties = {**row.properties, "refresh_token_expires_at": "2027-01-01T00:00:00Z"}
        row.save()
    before = {c.kind: (c.name, c.properties, c.secrets) for c in made}

    out = run("credentials", "export", "--recipient", keypair, "-o", "all.age", "--json")
    # Rows here can only come from the import.
    Credential.objects.all().delete()
    back = run("credentials", "import", "all.age", "--identity", "key.txt", "--json")

    assert out.code == 0, out.err
    assert out.json == {"exported": len(made), "unreadable": {}, "file": "all.age"}
    assert (back.code, back.json["created"]) == (0, len(made))
    rows = Credential.objects.all()
    assert {c.kind: (c.name, c.properties, c.secrets) for c in rows} == before


def test_an_export_is_sealed_private_and_audited(run, organization, keypair, tmp_path):
    make_credential(organization, "checkout_champ_password", marker=MARK)

    ran = run(
        *("credentials", "export", "--recipient", keypair, "--output", "all.age"),
        *("--purpose", "moving house"),
    )

    data = (tmp_path / "all.age").read_bytes()
    assert (ran.code, ran.err) == (0, "1 credential exported to all.age.\n")
    assert MARK.encode() not in data
    assert data.startswith(b"age-encryption.org/v1")
    assert stat.S_IMODE(os.stat(tmp_path / "all.age").st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.age", "key.txt"]
    event = Event.objects.get(action="credential.revealed")
    assert event.details["purpose"] == "sequin-admin export: moving house"


def test_to_stdout_it_is_armored_text(run, organization, keypair):
    make_credential(organization, "checkout_champ_password", marker=MARK)

    ran = run("credentials", "export", "--recipient", keypair)

    assert ran.out.startswith("-----BEGIN AGE ENCRYPTED FILE-----")


def test_in_plain_text_only_when_forced_and_said_so_in_the_audit(run, organization, keypair):
    make_credential(organization, "checkout_champ_password", marker=MARK)

    refused = run("credentials", "export", "--recipient", keypair, "--plain-text")
    ran = run("credentials", "export", "--plain-text", "--kind", "checkout_champ_password")

    assert refused.code == 2
    assert json.loads(ran.out)["data"][0]["properties"]["password"] == f"{MARK}_password"
    event = Event.objects.get(action="credential.revealed")
    assert event.details["purpose"] == "sequin-admin export, plain text"


def test_a_key_without_the_right_leaves_no_file(run, make_key, keypair, tmp_path):
    ran = run(
        *("credentials", "export", "--recipient", keypair, "-o", "all.age"),
        SEQUIN_API_KEY=make_key(Scope.READ),
    )

    assert ran.code == 3
    assert "scope secrets" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["key.txt"]


@pytest.fixture
def make_key(organization: Organization):
    return lambda *scopes: keys.create(organization, name="x", scopes=scopes, actor=None)[1]


def test_a_file_that_is_there_stays(run, write, keypair, tmp_path):
    write("all.age", "precious")

    ran = run("credentials", "export", "--recipient", keypair, "-o", "all.age")

    assert ran.code == 2
    assert (tmp_path / "all.age").read_text() == "precious"


def test_a_sealed_file_needs_its_key(run, write, tmp_path, keypair):
    sealed = pyrage.encrypt(b"[]", [pyrage.x25519.Identity.generate().to_public()])
    (tmp_path / "all.age").write_bytes(sealed)

    without = run("credentials", "import", "all.age")
    wrong = run("credentials", "import", "all.age", "--identity", "key.txt")

    assert (without.code, wrong.code) == (2, 2)
    assert "--identity FILE" in without.err
    assert "does not open this file" in wrong.err


def test_a_body_that_is_too_big_is_sent_in_halves():
    class Server:
        sent = []

        def post(self, path, body):
            self.sent.append(len(body["credentials"]))
            if len(body["credentials"]) > 2:
                raise importing.Refused("Too big.", 413)
            rows = range(len(body["credentials"]))
            return {"data": [{"index": n, "id": None, "result": "created"} for n in rows]}

    items = [Item(row, champ(row)) for row in range(1, 6)]

    tried = try_items(Server(), items)

    assert [row["row"] for row in tried.results] == [1, 2, 3, 4, 5]
    assert Server.sent == [5, 2, 3, 1, 2]
