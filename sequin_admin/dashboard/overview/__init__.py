"""The sections of the overview, one module each with a template of its own in `overview/`."""
