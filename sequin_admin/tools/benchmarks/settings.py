"""The product's settings on the benchmark's own database, with one more address to compare with."""

from sequin_admin.core.env import env
from sequin_admin.settings import *  # noqa: F403
from sequin_admin.settings import DATABASES

DATABASES["default"]["NAME"] = env.str("BENCH_DATABASE")
ROOT_URLCONF = "sequin_admin.tools.benchmarks.floor"
