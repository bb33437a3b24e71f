"""The program: settings, exit codes, output."""

import json
import os
import pty
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sequin_admin.command_line.program import main
from sequin_admin.tools.supervisor import free_port
from tests.command_line.conftest import PROGRAM, ROOT, Ran
from tests.factories import make_credential
from tests.patience import PATIENCE_S

HELP = [
    *([], ["credentials"], ["oauth-apps"], ["limits"], ["login"], ["logout"], ["health"]),
    ["expiry"],
    *(["credentials", name] for name in ("list", "get", "import", "export", "delete")),
    *(["credentials", name] for name in ("verify", "connect-link")),
    *(["oauth-apps", name] for name in ("list", "create")),
    *(["limits", name] for name in ("get", "set", "usage")),
]


@pytest.fixture
def config(environment):
    return Path(environment["HOME"], ".config", "sequin-admin", "config.json")


@pytest.fixture
def inside(monkeypatch, capsys):
    """Run the program in this process, which is quicker, where no server is called."""
    monkeypatch.setenv("SEQUIN_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("SEQUIN_API_KEY", "unused")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["sequin-admin", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return Ran(ended.value.code, *capsys.readouterr())

    return run


@pytest.mark.parametrize("command", HELP, ids=" ".join)
def test_every_command_explains_itself(inside, command):
    ran = inside(*command, "--help")

    assert ran.code == 0
    assert "Usage: sequin-admin" in ran.out
    assert ran.err == ""


def test_the_exit_codes_are_explained(inside):
    said = " ".join(inside("--help").out.split())

    assert "1 something needs attention, 2 used in a wrong way, 3 refused by the server" in said


def test_there_is_no_option_for_the_key(inside):
    assert inside("--key", "sqn_x", "health").code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["credentials", "get"], "Missing argument"),
        (["credentials", "list", "--metadata", "plan"], "Metadata is given as KEY=VALUE."),
        (["credentials", "verify"], "Give ids, options that choose, or --all."),
        (["credentials", "connect-link"], "Give the id of a credential to reconnect, or --kind"),
        (["credentials", "export", "--plain-text", "--json"], "Give --output with --json."),
        (["credentials", "export"], "Say who may open it: --recipient or --recipients-file"),
        (["credentials", "export", "--recipient", "AGE-SECRET-KEY-1X"], "is no public key"),
        (["limits", "set", "x", "--interval", "soon"], "Give a length of time with its unit"),
        (["limits", "set", "x"], "Say what to change"),
        (["--url", "ftp://x", "health"], "must look like https://admin.example.com"),
        (["--url", "http://x:80x", "health"], "must look like https://admin.example.com"),
        (["--key-file", "nowhere", "health"], "nowhere can't be read"),
        (["credentials", "import", "nowhere.csv"], "nowhere.csv can't be read"),
    ],
)
def test_wrong_use_ends_with_2_and_says_what_to_do(inside, arguments, said):
    ran = inside(*arguments)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "SECRET-KEY" not in ran.err


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({}, "Say where your Sequin Admin is: sequin-admin login, --url, or SEQUIN_URL."),
        ({"SEQUIN_URL": "http://localhost:1"}, "Give an API key: sequin-admin login, --key-file"),
    ],
)
def test_without_settings_it_says_how_to_make_them(bare, known, said):
    ran = bare("credentials", "list", **known)

    assert ran.code == 2
    assert said in ran.err


def test_a_server_that_is_not_there_ends_with_4(bare):
    known = {"SEQUIN_URL": f"http://127.0.0.1:{free_port()}", "SEQUIN_API_KEY": "x"}

    ran = bare("credentials", "list", "--json", **known)

    assert (ran.code, ran.out) == (4, "")
    assert f"{known['SEQUIN_URL']} could not be asked" in ran.err


def test_authorities_that_can_not_be_read_end_with_2(bare):
    known = {"SEQUIN_URL": "https://127.0.0.1:9", "SEQUIN_API_KEY": "x", "SSL_CERT_FILE": "missing"}

    for command in (("credentials", "list"), ("login", "https://127.0.0.1:9")):
        ran = bare(*command, **known)

        assert (ran.code, ran.out) == (2, "")
        assert "SSL_CERT_FILE names no file with certificates" in ran.err


def test_a_refused_key_ends_with_3_and_says_where_to_give_another(run):
    ran = run("credentials", "list", "--json", SEQUIN_API_KEY="sqn_wrong")

    assert (ran.code, ran.out) == (3, "")
    assert "unknown, expired or revoked. Give another: sequin-admin login" in ran.err
    assert "sqn_wrong" not in ran.err


def test_login_remembers_for_this_user_only(run, config, live_server, api_key):
    ran = run("login", live_server.url, stdin=f"{api_key}\n", SEQUIN_URL="", SEQUIN_API_KEY="")

    assert ran.code == 0, ran.err
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert json.loads(config.read_text()) == {"url": live_server.url, "key": api_key}
    assert api_key not in ran.out + ran.err
    later = run("credentials", "list", "--json", SEQUIN_URL="", SEQUIN_API_KEY="")
    assert later.json == {"data": []}


def test_login_with_a_key_that_is_not_taken_remembers_nothing(run, config, live_server):
    ran = run("login", live_server.url, stdin="sqn_wrong\n", SEQUIN_API_KEY="")

    assert ran.code == 3
    assert not config.exists()


def test_the_stored_key_goes_to_its_own_server_only(run, live_server, api_key):
    run("login", live_server.url, stdin=f"{api_key}\n", SEQUIN_URL="", SEQUIN_API_KEY="")

    ran = run("--url", "http://127.0.0.1:9", "health", SEQUIN_API_KEY="")

    assert ran.code == 2
    assert f"The stored API key belongs to {live_server.url}" in ran.err


def test_logout_forgets(run, config, live_server, api_key):
    run("login", live_server.url, stdin=f"{api_key}\n", SEQUIN_URL="", SEQUIN_API_KEY="")

    assert run("logout").code == 0

    assert not config.exists()


def test_options_come_before_the_environment(run, live_server, api_key, tmp_path):
    (tmp_path / "key").write_text(f"{api_key}\n")
    wrong = {"SEQUIN_URL": "http://127.0.0.1:9", "SEQUIN_API_KEY": "sqn_wrong"}

    ran = run("--url", f"{live_server.url}/", "--key-file", "key", "credentials", "list", **wrong)

    assert ran.code == 0, ran.err


def test_names_can_t_steer_the_terminal(run, organization):
    make_credential(organization, "checkout_champ_password", name="\x1b[2J[red]evil[/red]\r\n")

    ran = run("credentials", "list")

    assert "\x1b" not in ran.out
    assert "[2J[red]evil[/red]" in ran.out


def test_into_a_pipe_nothing_is_cut(run, organization):
    credential = make_credential(organization, "checkout_champ_password", name="long " * 39)

    [heading, line] = run("credentials", "list").out.splitlines()

    assert heading.split() == ["ID", "KIND", "NAME", "STATUS"]
    assert line.startswith(f"{credential.pk}  checkout_champ_password  long long")
    assert line.endswith("healthy")


def test_a_narrow_terminal_gets_a_line_for_each_value(environment, live_server, api_key, make_one):
    """A terminal of 40 columns."""
    shown = in_terminal(
        ["credentials", "list"],
        environment
        | {"SEQUIN_URL": live_server.url, "SEQUIN_API_KEY": api_key}
        | {"TERM": "xterm", "COLUMNS": "40"},
    )
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).splitlines()

    # The progress bar has removed itself.
    assert [line.split() for line in lines if line.strip()][-4:] == [
        ["ID", str(make_one.pk)],
        ["KIND", "checkout_champ_password"],
        ["NAME", "Arrakis"],
        ["STATUS", "healthy"],
    ]


def test_a_terminal_gets_sentences_broken_between_words(environment):
    shown = in_terminal(
        ["credentials", "list"],
        environment | {"SEQUIN_URL": "http://localhost:1", "TERM": "xterm", "COLUMNS": "40"},
    )

    assert shown.splitlines() == [
        "Give an API key: sequin-admin login, ",
        "--key-file, or SEQUIN_API_KEY.",
    ]


@pytest.fixture
def make_one(organization):
    return make_credential(organization, "checkout_champ_password", name="Arrakis")


def in_terminal(arguments, environment):
    """The program's output on a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, *arguments], stdout=theirs, stdin=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    shown = b""
    # Read while it runs: a terminal's buffer is small.
    while chunk := read_some(ours):
        shown += chunk
    os.close(ours)
    process.wait(PATIENCE_S)
    return shown.decode()


def read_some(terminal):
    try:
        return os.read(terminal, 10_000)
    except OSError:  # Linux's end of file
        return b""


def test_the_shell_completes_ids_and_kinds(run, organization):
    credential = make_credential(organization, "checkout_champ_password")

    def offered(words):
        count = len(words.split(" ")) - 1
        asked = {"COMP_WORDS": words, "COMP_CWORD": str(count)}
        return run(_SEQUIN_ADMIN_COMPLETE="complete_bash", **asked).out.split()

    assert offered("sequin-admin credentials get ") == [str(credential.pk)]
    assert offered("sequin-admin credentials list --kind str") == ["stripe_key", "stripe_oauth2"]
    assert offered("sequin-admin credentials list --provider check") == ["checkout_champ"]
    assert offered("sequin-admin credentials list --status c") == ["customer_intervention"]


def test_the_shell_completes_quietly_without_a_server(bare):
    asked = {"COMP_WORDS": "sequin-admin credentials get ", "COMP_CWORD": "3"}

    ran = bare(_SEQUIN_ADMIN_COMPLETE="complete_bash", **asked)

    assert (ran.out.strip(), ran.err) == ("", "")


def test_it_runs_from_a_checkout_by_any_link_from_anywhere(environment, tmp_path):
    link = tmp_path / "linked"
    link.symlink_to(ROOT / "sequin_admin/command_line/sequin-admin")
    (tmp_path / "typer.py").write_text("raise SystemExit('Not this one.')")

    ran = subprocess.run(
        [link, "--help"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )

    assert "Usage: sequin-admin" in ran.stdout


def test_without_its_extra_a_sentence_says_what_to_install():
    code = "import sys; sys.modules['typer'] = None; sys.argv = ['sequin-admin', 'health']; "
    code += "from sequin_admin.command_line.__main__ import main; main()"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.splitlines() == [
        "The command line needs typer, which is not installed here. "
        "Install it with pip install 'sequin-admin[cli]'."
    ]
