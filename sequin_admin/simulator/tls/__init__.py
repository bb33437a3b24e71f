"""The simulator under the providers' real names, with certificates of a CA of its own.

`authority` has the CA, `gunicorn_config` gives each name of the simulator's hosts its certificate,
`front` is the port, which takes TLS and CONNECT, and `resolve.cjs` sends Node there.
"""
