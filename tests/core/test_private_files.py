"""The data directory belongs to the user that we run as."""

import os
import stat

import pytest

from sequin_admin.core import checks
from sequin_admin.core.private_files import protect_directory


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_start_takes_our_directory_from_group_and_others(tmp_path, settings, db, monkeypatch):
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    settings.DATA_DIR.chmod(0o755)
    monkeypatch.setattr(checks.connection, "close", lambda: None)

    checks.refuse_unusable_database()

    assert mode_of(settings.DATA_DIR) == 0o700


@pytest.fixture
def not_ours(tmp_path, monkeypatch):
    """A directory whose mode we can't change. Root could: the refusal is the system's."""

    def refuse(path, mode):
        raise PermissionError

    monkeypatch.setattr(type(tmp_path), "chmod", refuse)
    return tmp_path


def with_mode(path, mode):
    os.chmod(path, mode)
    return path


def test_one_that_others_can_open_and_we_can_not_change_is_refused(not_ours):
    with pytest.raises(SystemExit, match="chmod 700"):
        protect_directory(with_mode(not_ours, 0o755))


@pytest.mark.parametrize("mode", [0o770, 0o700, 0o2770])
def test_one_that_only_its_group_shares_is_not(not_ours, mode):
    protect_directory(with_mode(not_ours, mode))


def test_one_that_is_not_there_is_no_matter(tmp_path):
    protect_directory(tmp_path / "missing")
