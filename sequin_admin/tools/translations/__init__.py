"""Collects what customers read, and compiles the translations of it.

`manage.py translations` brings the `.po` files up to date with the code and
compiles them; what has no translation yet stands in them empty, and a test says so.
"""
