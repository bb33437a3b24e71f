"""The product with a known fault in each of its processes: `FAULT` names it.

`DJANGO_SETTINGS_MODULE=tests.tools.faulty.settings FAULT=no_journal python manage.py ...`
"""
