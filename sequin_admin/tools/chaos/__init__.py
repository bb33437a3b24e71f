"""`manage.py chaos`: real workers and readers, a provider that misbehaves, and kill -9.

`arena` runs the processes, `fleet` fills the database, `reader` reads tokens, `verdict` counts
what was lost. Only HTTP goes to the simulator.
"""
