"""`manage.py chaos`: real workers and readers, a failing provider, and kill -9.

`arena` runs the processes, `fleet` fills the database, `reader` reads tokens, `verdict` counts
lost refresh tokens. The simulator is used over HTTP only.
"""
