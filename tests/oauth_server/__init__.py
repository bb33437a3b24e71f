"""An OAuth 2 server that nobody here wrote (django-oauth-toolkit), run in a process of its own."""
