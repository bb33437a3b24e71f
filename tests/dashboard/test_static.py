"""Static files in production, and what a first visit loads."""

import gzip
import re

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings

from tests.factories import make_credential

FIRST_PAGE_BYTES = 60_000


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """The folder of what production serves."""
    assert (settings.BASE_DIR / "static/css/app.build.css").exists(), "Run make setup first."
    root = tmp_path_factory.mktemp("static")
    backend = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    storages = {**settings.STORAGES, "staticfiles": backend}
    with override_settings(STATIC_ROOT=root, STORAGES=storages, DEBUG=False):
        call_command("collectstatic", interactive=False, verbosity=0)
        yield root


def test_static_files_can_be_collected_with_hashed_names(collected):
    names = {path.name for path in (collected / "css").iterdir()}

    assert any(name.startswith("app.build.") and name.endswith(".css.gz") for name in names)
    assert "app.css" not in names


def size_of(path):
    """As it is sent: whitenoise keeps the compressed file beside the other when it is smaller."""
    packed = path.with_name(f"{path.name}.gz")
    return (packed if packed.exists() else path).stat().st_size


@pytest.mark.parametrize("path", ["/", "/credentials/"])
def test_a_first_page_is_under_60_kb(collected, owner, organization, path):
    for number in range(60):
        make_credential(organization, "stripe_key", identity=f"a{number}", name=f"No {number}")

    html = owner.get(path).content

    linked = set(re.findall(rb'(?:src|href)="/static/([^"]+)"', html))
    sizes = {name.decode(): size_of(collected / name.decode()) for name in linked}
    assert any(name.startswith("css/app.build.") for name in sizes)
    # A browser takes one of the icons.
    icons = [size for name, size in sizes.items() if name.startswith("img/")]
    page = len(gzip.compress(html)) + sum(sizes.values()) - sum(icons) + max(icons)
    assert page < FIRST_PAGE_BYTES, (page, len(gzip.compress(html)), sizes)
