"""Simulated GitHub Apps: install page, JWT, short tokens."""

from sequin_admin.simulator.providers.github import api, app, install, issues, listed
from sequin_admin.simulator.providers.github.common import provider

__all__ = ["api", "app", "install", "issues", "listed", "provider"]
