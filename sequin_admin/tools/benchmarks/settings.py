"""The product's settings with the benchmark's database and the views of `floor`."""

from sequin_admin.core.env import env
from sequin_admin.settings import *  # noqa: F403
from sequin_admin.settings import DATABASES

DATABASES["default"]["NAME"] = env.str("BENCH_DATABASE")
ROOT_URLCONF = "sequin_admin.tools.benchmarks.floor"
