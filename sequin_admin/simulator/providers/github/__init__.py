"""Simulated GitHub Apps: install page, JWT, short tokens."""

from sequin_admin.simulator.providers.github import api, app, install, issues, listed, webhooks
from sequin_admin.simulator.providers.github.common import provider

__all__ = ["api", "app", "install", "issues", "listed", "provider", "webhooks"]
