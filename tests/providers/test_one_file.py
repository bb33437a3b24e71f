"""One file is all it takes: the README's example, as it stands there, in a process of its own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.migrated_database import GIVEN

ROOT = Path(__file__).parents[2]
COPIED = ("sequin_admin", "templates", "static", "tests", "manage.py", "pyproject.toml")
# What each kind must do, and what the README's example does at its provider.
CONTRACT = (
    *(f"tests/providers/{name}.py" for name in ("test_contract", "acme")),
    *(f"tests/api/test_{name}.py" for name in ("documents", "every_kind", "kinds", "masks")),
    "tests/credentials/test_forms.py",
)


@pytest.fixture
def house(tmp_path):
    """A copy of the code, and of what Python made of it, with one more provider."""
    # Half-written by another process.
    left_out = shutil.ignore_patterns("*.pyc.*")
    for name in COPIED:
        path, copy = ROOT / name, tmp_path / name
        shutil.copytree(path, copy, ignore=left_out) if path.is_dir() else shutil.copy(path, copy)
    readme = (ROOT / "README.md").read_text()
    [example] = re.findall(r"^```python\n(.*?@register.*?)^```", readme, re.DOTALL | re.MULTILINE)
    (tmp_path / "sequin_admin/providers/acme.py").write_text(example)
    return tmp_path


def run(house, *arguments, **environment):
    """Run Python in the copy; returns what it prints. Fails when it fails."""
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    own = {
        "DEBUG": "True",
        "SECRET_KEY": "spice",
        "FIELD_ENCRYPTION_KEY": Fernet.generate_key().decode(),
        "DATA_DIR": str(house),
        **environment,
    }
    done = subprocess.run(
        [sys.executable, *arguments], cwd=house, env=kept | own, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{done.stdout[-5000:]}{done.stderr[-2000:]}"
    return done.stdout


def test_one_file_is_all_it_takes(house, migrated_file):
    made = run(house, "manage.py", "makemigrations", "providers")
    run(house, "manage.py", "makemigrations", "--check")
    # Its database gets the new migration on top.
    options = ("-q", "-p", "no:cacheprovider", "-k", "acme")
    passed = run(house, "-m", "pytest", *options, *CONTRACT, **{GIVEN: str(migrated_file)})

    assert "Create proxy model AcmeKey" in made
    assert int(re.findall(r"(\d+) passed", passed)[0]) >= 40
