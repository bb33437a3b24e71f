#!/usr/bin/env python
"""Django's command line for Sequin Admin."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sequin_admin.settings")
    execute_from_command_line(sys.argv)
