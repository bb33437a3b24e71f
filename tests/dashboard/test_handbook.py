"""The handbook, the runbooks and the security page say what is so."""

import ast
import html
import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pyrage
import pytest
from cryptography.fernet import Fernet

from sequin_admin.access.policy import Role
from sequin_admin.core import keyring
from sequin_admin.core.env import ROOT
from sequin_admin.dashboard import handbook, palette
from sequin_admin.gateway.metrics import collect_metrics
from tests.test_documents import FENCED

NAMES = handbook.NAMES
TEMPLATES = [*(ROOT / "templates").rglob("*.html")]
SOURCES = [p for p in (ROOT / "sequin_admin").rglob("*.py") if "migrations" not in p.parts]


def text_of(name):
    return (handbook.FOLDER / f"{name}.md").read_text()


def quotes_in(text):
    return re.findall(r"^> (.+)$", text, re.MULTILINE)


@cache
def shown():
    """Every text of code and templates, with … for what is filled in."""
    texts = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = (p.value if isinstance(p, ast.Constant) else "…" for p in node.values)
                texts.append("".join(str(part) for part in parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(re.sub(r"\{[^{}]*\}", "…", node.value))
    for path in TEMPLATES:
        said = re.sub(r"\{\{.*?\}\}", "…", path.read_text())
        texts.append(re.sub(r"\{%.*?%\}|<[^<>]*>", " ", said, flags=re.DOTALL))
    return [" ".join(text.split()) for text in texts]


def is_shown(quote):
    return any(quote.removesuffix("….") in text or quote.rstrip("….") in text for text in shown())


@pytest.mark.parametrize("name", NAMES)
def test_each_quoted_sentence_is_one_of_the_products(name):
    assert [quote for quote in quotes_in(text_of(name)) if not is_shown(quote)] == []


def test_a_sentence_that_the_product_does_not_show_is_found():
    assert not is_shown("No worker is walking")
    assert not is_shown("The database lacks … migrations of that version")


def test_there_are_ten_runbooks_with_sentences():
    chapters = re.split(r"^## ", text_of("runbooks"), flags=re.MULTILINE)[1:]

    assert [chapter.split(".")[0] for chapter in chapters] == [str(n) for n in range(1, 11)]
    assert [chapter for chapter in chapters if not quotes_in(chapter)] == []
    assert [
        chapter
        for chapter in chapters
        if "over when" not in chapter.replace("over, with", "over when")
    ] == []


def test_each_metric_exists(db):
    known = {sample.name for metric in collect_metrics().collect() for sample in metric.samples}
    known |= {metric.name + end for metric in collect_metrics().collect() for end in ("", "_total")}
    named = set(re.findall(r"`(sequin_admin_\w+)`", "".join(map(text_of, NAMES))))

    assert len(named) > 10
    assert named - known == set()


def test_each_encrypted_column_is_named():
    listed = set(re.findall(r"`(\w+\.\w+\.\w+)`", text_of("security")))
    encrypted = {".".join(str(c).split(".")[:3]) for c in keyring.encrypted_columns()}

    assert encrypted | {"mfa.Authenticator.data"} == listed


def test_pages_lead_to_sections_that_are_there(client, user):
    client.force_login(user)
    anchors = {}
    links = []
    for name in NAMES:
        page = client.get(f"/docs/{name}/").content.decode()
        anchors[f"/docs/{name}/"] = set(re.findall(r'id="([^"]+)"', page))
        links += [
            (f"/docs/{name}/", link)
            for link in re.findall(r'href="((?:/docs/\w+/)?(?:#[^"]+)?)"', page)
            if link
        ]

    broken = []
    for here, link in links:
        page, _, anchor = link.partition("#")
        if anchor and anchor not in anchors.get(page or here, set()):
            broken.append((here, link))
    assert len(links) > 30
    assert broken == []


def test_each_example_is_shown_whole_and_run_by_a_test(client, user):
    client.force_login(user)
    page = html.unescape(client.get("/docs/engines/").content.decode())
    shown = re.findall(r"^```file\n(.+)\n```$", text_of("engines"), re.MULTILINE)
    tests = [p for folder in ("recipes", "engines") for p in (ROOT / "tests" / folder).glob("*.py")]
    # A test names it, or another example imports it.
    named = "".join(path.read_text() for path in tests).replace('" / "', "/")
    examples = {name: (handbook.EXAMPLES / name).read_text() for name in shown}

    assert len(shown) >= 10
    for name, text in examples.items():
        assert text in page
        imported = f"from {Path(name).stem} import"
        assert name in named or imported in "".join(examples.values()), f"No test runs {name}."


@pytest.mark.parametrize("engine", ["dlt", "airbyte", "singer", "airflow", "kubernetes", "curl"])
def test_a_search_for_an_engine_finds_the_recipes(engine):
    (found,) = palette.find_pages(palette.PAGES, engine, Role.VIEWER)

    assert found.url == "/docs/engines/"


def test_the_handbook_is_for_members(client):
    assert client.get("/docs/security/").status_code == 302


@pytest.mark.faults
def test_what_can_be_run_runs(tmp_path):
    """All blocks of `console`, in the order of the pages, in one installation of their own."""
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "key.txt").write_text(str(identity))
    (tmp_path / "manage.py").symlink_to(ROOT / "manage.py")
    keys = [Fernet.generate_key().decode() for _ in "ab"]
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DATA_DIR": str(tmp_path / "data"),
        "SECRET_KEY": "s" * 60 + "ABCDEFGHIJ0123456789",
        "FIELD_ENCRYPTION_KEY": ",".join(keys),
        "PUBLIC_URL": "https://admin.example.com",
        "BEHIND_TLS_PROXY": "True",
        "TRUSTED_PROXIES": "1",
        "RECIPIENT": str(identity.to_public()),
    }
    (tmp_path / "data").mkdir(mode=0o700)
    blocks = [b for name in NAMES for lang, b in FENCED.findall(text_of(name)) if lang == "console"]

    said = ""
    for block in blocks:
        done = subprocess.run(
            ["bash", "-euc", block], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        said += done.stdout

    assert len(blocks) >= 4
    for quote in ("0 rows left on the old key.", "The audit log is whole.", "rows of"):
        assert quote in said


def test_the_bill_of_materials_is_valid_and_whole(tmp_path):
    """By the schema that the library carries, so nothing is looked up."""
    # It takes three seconds to load.
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    (line,) = re.findall(r"cyclonedx-py .*", (ROOT / "Makefile").read_text())
    made = tmp_path / "sbom.json"
    words = line.replace("build/sbom.cdx.json", str(made)).split()
    words[0] = str(Path(sys.executable).with_name(words[0]))
    subprocess.run(words, cwd=ROOT, capture_output=True, check=True)

    text = made.read_text()
    bill = json.loads(text)
    lock = (ROOT / "requirements/runtime.txt").read_text()
    locked = dict(re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==(\S+)", lock, re.MULTILINE))

    assert (
        JsonStrictValidator(SchemaVersion.from_version(bill["specVersion"])).validate_str(text)
        is None
    )
    assert {each["name"]: each["version"] for each in bill["components"]} == locked
    assert all(each["externalReferences"][0]["hashes"] for each in bill["components"])
    # The lock has our changes of a schema only if a broken one is found.
    broken = json.dumps({**bill, "components": [{"type": "none"}]})
    validator = JsonStrictValidator(SchemaVersion.from_version(bill["specVersion"]))
    assert validator.validate_str(broken) is not None
