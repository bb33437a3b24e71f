"""`sequin-admin`: the Management API from a terminal. Talks to the server with an API key only."""
