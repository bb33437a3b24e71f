"""Keys, tokens and addresses in the environment, as people paste them."""

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from sequin_admin.core.env import (
    Environment,
    database_config,
    encryption_keys,
    env,
    host_header,
    pasted_token,
    public_url,
)

KEY = Fernet.generate_key().decode()
WRAPPED = (
    "{}",
    " {}\n",
    "\ufeff{}",
    '"{}"',
    "'{}'",
    "\u201c{}\u201d",
    "FIELD_ENCRYPTION_KEY={}",
    "export FIELD_ENCRYPTION_KEY='{}'",
    "\u00a0{}\u200b",
)


@pytest.mark.parametrize("wrapped", WRAPPED)
def test_a_pasted_key_or_token_is_read(wrapped):
    token = wrapped.replace("FIELD_ENCRYPTION_KEY", "METRICS_TOKEN")

    assert encryption_keys("FIELD_ENCRYPTION_KEY", [wrapped.format(KEY), KEY]) == [KEY, KEY]
    assert pasted_token("METRICS_TOKEN", token.format("a-token")) == "a-token"


@pytest.mark.parametrize(
    "value",
    [KEY[:-4], f"{KEY}{KEY}", f"{KEY} {KEY}", "changeme", "\u2026"],
    ids=["cut off", "joined", "two", "no key", "dots"],
)
def test_what_is_no_key_stops_the_start_and_is_not_quoted(value):
    with pytest.raises(ImproperlyConfigured, match="FIELD_ENCRYPTION_KEY") as refused:
        encryption_keys("FIELD_ENCRYPTION_KEY", [value])

    assert value not in str(refused.value)


def test_a_token_of_two_words_stops_the_start():
    with pytest.raises(ImproperlyConfigured, match="METRICS_TOKEN has white space"):
        pasted_token("METRICS_TOKEN", "to ken")


@pytest.mark.parametrize(
    ("value", "keys"),
    [
        ("", []),
        ("old, new", ["old", "new"]),
        ('["ol,d", "new"]', ["ol,d", "new"]),
        ("[old,new", ["[old", "new"]),
        ("12,34", ["12", "34"]),
        ("1234", ["1234"]),
    ],
)
def test_a_key_with_a_comma_stands_in_a_json_list(monkeypatch, value, keys):
    monkeypatch.setattr(env, "ENVIRON", {"SECRET_KEY_FALLBACKS": value})

    assert env.keys("SECRET_KEY_FALLBACKS") == keys


@pytest.mark.parametrize("text", ["value\n", "\ufeffvalue\r\n", "value", "  value  "])
def test_a_file_gives_its_value_without_what_editors_add(text, tmp_path):
    file = tmp_path / "secret"
    file.write_text(text, encoding="utf-8")

    environment = Environment({"SECRET_KEY_FILE": str(file), "OTHER": " kept "})

    assert environment["SECRET_KEY"] == "value"
    assert environment["OTHER"] == " kept "


@pytest.mark.parametrize(
    ("entered", "kept", "host"),
    [
        ("https://admin.example.com", "https://admin.example.com", "admin.example.com"),
        ("https://Admin.Example.com/", "https://admin.example.com", "admin.example.com"),
        ("'http://localhost:8000'\n", "http://localhost:8000", "localhost"),
        ("PUBLIC_URL=https://a.example.com", "https://a.example.com", "a.example.com"),
        ("https://[2001:DB8::1]:8443/", "https://[2001:db8::1]:8443", "[2001:db8::1]"),
        ("http://[::1]:8000", "http://[::1]:8000", "[::1]"),
    ],
)
def test_the_public_address_is_an_origin(entered, kept, host):
    assert public_url("PUBLIC_URL", entered) == kept
    assert host_header(kept) == host


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("https://example.com/sequin", "PUBLIC_URL has a path"),
        ("https://example.com/?x=1", "PUBLIC_URL has a path"),
        ("https://example.com/#x", "PUBLIC_URL has a path"),
        ("admin.example.com", "must look like"),
        ("ftp://example.com", "must look like"),
        ("https://u:p@example.com", "must look like"),
        ("https://2001:db8::1", "must look like"),
        ("https://example.com:port", "must look like"),
        ("https://", "must look like"),
        ("", "must look like"),
    ],
)
def test_another_address_stops_the_start(value, said):
    with pytest.raises(ImproperlyConfigured, match=said):
        public_url("PUBLIC_URL", value)


@pytest.mark.parametrize("content", [None, "secret".encode("utf-16")])
def test_a_file_that_cannot_be_read_is_named_without_what_it_holds(tmp_path, content):
    file = tmp_path / "secret"
    if content:
        file.write_bytes(content)

    with pytest.raises(
        ImproperlyConfigured, match=r"SECRET_KEY_FILE names .* can't be read"
    ) as said:
        Environment({"SECRET_KEY_FILE": str(file)})["SECRET_KEY"]

    assert said.value.__suppress_context__


def test_a_database_may_have_several_hosts():
    url = "postgresql://sequin:a%2Cb@one.example:6432,[fd00::2],three/sequin?sslmode=require"

    config = database_config(url)

    assert (config["HOST"], config["PORT"]) == ("one.example,fd00::2,three", "6432,5432,5432")
    assert (config["USER"], config["PASSWORD"], config["NAME"]) == ("sequin", "a,b", "sequin")
    assert config["OPTIONS"] == {"target_session_attrs": "read-write", "sslmode": "require"}


def test_a_database_with_one_host_is_as_it_was():
    config = database_config("postgresql://sequin:a,b@one.example:6432/sequin")

    assert (config["HOST"], config["PORT"], config["PASSWORD"]) == ("one.example", 6432, "a,b")
    assert "OPTIONS" not in config
