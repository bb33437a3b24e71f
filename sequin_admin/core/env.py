"""Reads environment variables and `.env`; `os.environ` is used nowhere else."""

import os
from pathlib import Path

import environ

ROOT = Path(__file__).resolve().parents[2]

env = environ.FileAwareEnv()
environ.Env.read_env(ROOT / ".env")


def inherited() -> dict[str, str]:
    """The whole environment, for child processes."""
    return dict(os.environ)
