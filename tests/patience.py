"""How long a test waits for what must come: long enough for a machine that does much beside.

A wait for something that must NOT come is short, and its own.
"""

PATIENCE_S = 300
