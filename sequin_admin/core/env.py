"""The one place where the environment is read. Settings use `env`; nothing else does."""

import os
from pathlib import Path

import environ

ROOT = Path(__file__).resolve().parents[2]

env = environ.FileAwareEnv()
environ.Env.read_env(ROOT / ".env")


def inherited() -> dict[str, str]:
    """The whole environment, for processes that we start."""
    return dict(os.environ)
