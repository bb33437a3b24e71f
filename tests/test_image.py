"""The production image: what the Dockerfile copies and installs is enough to serve and to work."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import httpx2
import pytest
from cryptography.fernet import Fernet

from sequin_admin.core.env import ROOT
from sequin_admin.tools.supervisor import free_port, stop_processes, wait_for

pytestmark = pytest.mark.faults
DOCKERFILE = (ROOT / "Dockerfile").read_text()
# Read by Python at its start: whatever the lock does not name is not installed.
SITECUSTOMIZE = """
import sys

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"{{name}} is not in the image.", name=name)

sys.meta_path.insert(0, NotInstalled())
"""
# Every Python image has these.
PYTHONS_OWN = {"pip", "setuptools"}


def copied_files():
    """What `COPY . .` takes of the files in git."""
    ignored = (ROOT / ".dockerignore").read_text().split()
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    for name in tracked:
        if not any(name == each or name.startswith(f"{each}/") for each in ignored):
            yield name


def absent_modules():
    """Modules that are installed here, but not by requirements/runtime.txt."""
    lock = (ROOT / "requirements" / "runtime.txt").read_text()
    locked = {as_module(name) for name in re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==", lock, re.M)}
    return {
        module
        for module, distributions in packages_distributions().items()
        if not {*map(as_module, distributions)} & (locked | PYTHONS_OWN)
    }


def as_module(name):
    return re.sub(r"[-_.]+", "_", name).lower()


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A folder as /app in the image, with its static files and a migrated database."""
    folder, site = tmp_path_factory.mktemp("app"), tmp_path_factory.mktemp("site")
    for name in copied_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (site / "sitecustomize.py").write_text(SITECUSTOMIZE.format(absent=absent_modules()))
    image = Image(folder, site, tmp_path_factory.mktemp("data"))
    image.run("tailwindcss", "-i", "static/css/app.css", "-o", "static/css/app.build.css")
    image.run("python", "manage.py", "collectstatic", "--noinput")
    image.run("python", "manage.py", "migrate")
    return image


class Image:
    def __init__(self, folder: Path, site: Path, data: Path) -> None:
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(site),
            "SECRET_KEY": "s" * 50,
            "FIELD_ENCRYPTION_KEY": Fernet.generate_key().decode(),
            "PUBLIC_URL": "http://127.0.0.1",
            "DATA_DIR": str(data),
        }

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of this Python's environment and return what it prints."""
        done = subprocess.run(
            [Path(sys.executable).parent / program, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def test_it_is_without_the_tools_and_the_simulator(image):
    packages = {path.name for path in (image.folder / "sequin_admin").iterdir()}

    assert not packages & {"tools", "simulator"}
    assert {"worker", "command_line", "providers"} <= packages


# As Kubernetes mounts it: our manifests ask for a root file system that is read-only.
READ_ONLY = """
mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && cd "$0"
touch refused 2>/dev/null && echo "This is not read-only." >&2 && exit 1
exec "$@"
"""


def test_it_serves_from_a_read_only_file_system(image):
    port = free_port()
    command = json.loads(re.sub(r"\\\n", "", DOCKERFILE).rpartition("CMD ")[2])
    for at in [at for at, option in enumerate(command) if option == "--bind"]:
        command[at + 1] = f"127.0.0.1:{port if at == command.index('--bind') else free_port()}"
    web = subprocess.Popen(
        [
            *("unshare", "--mount", "--map-root-user", "sh", "-c", READ_ONLY),
            *(image.folder, sys.executable, "-m", *command),
        ],
        env=image.environment,
    )
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            wait_for(f"{http.base_url}/healthz")
            ready, page = http.get("/readyz"), http.get("/accounts/login/")
            sheet = http.get(re.search(r'href="(/static/[^"]+\.css)"', page.text)[1])
    finally:
        stop_processes([web])

    assert [ready.status_code, page.status_code, sheet.status_code] == [200, 200, 200]


def test_its_worker_works(image):
    image.run("python", "manage.py", "worker", "--once")


def test_it_has_no_command_of_the_tools(image):
    commands = image.run("python", "manage.py", "help", "--commands").split()

    assert "worker" in commands
    assert not {"up", "bench", "chaos", "demo"} & {*commands}
