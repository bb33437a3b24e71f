"""A third-party OAuth 2 server (django-oauth-toolkit) that runs in its own process."""
