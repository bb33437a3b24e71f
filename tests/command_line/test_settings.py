"""API keys as people paste them."""

import pytest

from sequin_admin.command_line import settings
from sequin_admin.command_line.endings import Misused

KEY = "sqn_n7fF6-rA"
PASTED = (
    f"{KEY}\n",
    f"\ufeff{KEY}",
    f"\u201c{KEY}\u201d",
    f"\u2018{KEY}\u2019",
    f'"{KEY}"',
    f"SEQUIN_API_KEY={KEY}",
    f"export SEQUIN_API_KEY='{KEY}'\n",
    f"SEQUIN_API_KEY: {KEY}",
    f"Bearer {KEY}",
    f"\u00a0{KEY}\u200b",
)
UNREADABLE = (f"{KEY} {KEY}", f"{KEY}\n{KEY}", f"sqn_\u2013{KEY}", f"sqn_\ufeff{KEY}", "my key")


@pytest.mark.parametrize("text", PASTED)
def test_a_pasted_key_is_the_key(text, tmp_path, monkeypatch):
    file = tmp_path / "key.txt"
    file.write_text(text)
    utf16 = tmp_path / "utf-16.txt"
    utf16.write_text(text, encoding="utf-16")
    monkeypatch.setenv("SEQUIN_API_KEY", text)

    assert [settings.given("", each).key for each in (file, utf16, None)] == [KEY] * 3


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_is_no_key_ends_with_2_and_is_not_quoted(text, tmp_path, monkeypatch):
    file = tmp_path / "key.txt"
    file.write_text(text)
    monkeypatch.setenv("SEQUIN_API_KEY", text)

    for each, where in ((file, f"The key file {file}"), (None, "SEQUIN_API_KEY")):
        with pytest.raises(Misused, match="must hold one API key") as refused:
            settings.given("", each)
        assert str(refused.value).startswith(where)
        assert "sqn_" not in str(refused.value)
