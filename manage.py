#!/usr/bin/env python
"""Django's command line for Sequin Admin."""

import os
import sys

from sequin_admin.core.command import run

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sequin_admin.settings")
    run(sys.argv)
