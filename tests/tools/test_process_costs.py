"""`manage.py bench --processes` with little time: all figures, of our code and of a commit."""

import subprocess

import pytest

from sequin_admin.core.env import ROOT
from sequin_admin.tools.benchmarks import lost_permits, process_costs

pytestmark = [pytest.mark.drills, pytest.mark.django_db(transaction=True)]


def test_processes_are_measured_beside_a_commit(monkeypatch):
    git = ["git", "rev-parse", "HEAD"]
    commit = subprocess.check_output(git, cwd=ROOT, text=True).strip()
    for module, name, value in (
        (process_costs, "STARTS", 1),
        (process_costs, "VISITS", 1),
        (lost_permits, "WINDOWS", 2),
        (lost_permits, "INTERVAL_S", 1),
    ):
        monkeypatch.setattr(module, name, value)

    figures = process_costs.measure(commit)

    for name in ("now", commit):
        each = figures[name]
        assert each["pss_mib"] == pytest.approx(each["pss_web_mib"] + each["pss_worker_mib"], abs=1)
        assert min(each[part] for part in ("start_s", "start_cpu_s", "pss_worker_mib", "calls")) > 0
        assert each["lost"] < 1
