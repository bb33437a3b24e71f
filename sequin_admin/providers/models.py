"""Imports every provider module of this package, which registers its kinds."""

from importlib import import_module
from pkgutil import iter_modules

from sequin_admin import providers

for module in iter_modules(providers.__path__):
    if module.name not in {"migrations", "models", "apps", "admin"}:
        import_module(f"{providers.__name__}.{module.name}")
