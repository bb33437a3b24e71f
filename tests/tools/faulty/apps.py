"""Puts one of the faults of `tests.schedules.test_mutants` into this process."""

import os

import pytest
from django.apps import AppConfig


class Faulty(AppConfig):
    name = "tests.tools.faulty"

    def ready(self) -> None:
        from tests.schedules import test_mutants

        getattr(test_mutants, os.environ["FAULT"])(pytest.MonkeyPatch())
