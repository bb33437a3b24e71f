"""Simulated Auth0: tenants with clients of their own, JWTs, users and jobs that export them."""

from sequin_admin.simulator.providers.auth0 import api, jobs, users
from sequin_admin.simulator.providers.auth0.common import provider

__all__ = ["api", "jobs", "provider", "users"]
