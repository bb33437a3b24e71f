"""The log of a run: its last lines."""

from sequin_admin.syncs.models import Run


def test_the_last_200_lines_stay(engine, sync):
    run = engine.claim()

    for start in range(0, 260, 130):
        engine.report(run, log=[f"Line {number}." for number in range(start, start + 130)])
    engine.report(run)

    lines = [each["line"] for each in Run.objects.get().log]
    assert lines == [f"Line {number}." for number in range(60, 260)]


def test_of_one_report_with_more_the_last_200_stay(engine, sync):
    run = engine.claim()

    engine.report(run, log=[str(number) for number in range(300)])

    assert [each["line"] for each in Run.objects.get().log] == [str(n) for n in range(100, 300)]
