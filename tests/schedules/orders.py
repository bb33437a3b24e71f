"""Walks the orders of a few actors.

Two orders that differ only in steps that touch nothing in common lead to the same state: one of
them is run. The state after a step is known by what came before what (each step's clock).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.schedules.scheduler import Scheduler, Step, Stuck

MOST_STEPS = 200


@dataclass
class Run:
    """An order as it was run: one letter a step."""

    order: str
    story: list[str]
    problems: list[str]


@dataclass
class History:
    """What came before what: equal for orders that lead to the same state."""

    events: list[tuple[Step, dict[str, int]]] = field(default_factory=list)

    def add(self, step: Step) -> None:
        clock: dict[str, int] = {}
        for earlier, seen in self.events:
            if earlier.letter == step.letter or earlier.conflicts_with(step):
                clock = {key: max(clock.get(key, 0), seen.get(key, 0)) for key in {*clock, *seen}}
        clock[step.letter] = clock.get(step.letter, 0) + 1
        self.events.append((step, clock))

    def key(self) -> frozenset[tuple[str, tuple[tuple[str, int], ...]]]:
        return frozenset((s.letter, tuple(sorted(clock.items()))) for s, clock in self.events)


@dataclass
class Walk:
    """Runs each order from a new world. `most_preemptions`: how often an actor that could go on is
    made to wait; None: no bound."""

    make: Callable[[], Scheduler]
    pass_time: Callable[[], None]
    check: Callable[[Scheduler], list[str]]
    most_preemptions: int | None = None

    def __post_init__(self) -> None:
        self.runs = 0
        # The beginnings that are left, with the steps that lead to no new order after them.
        self.left: list[tuple[str, dict[str, Step]]] = [("", {})]
        self.seen: dict[object, list[tuple[int, frozenset[str]]]] = {}

    def all(self) -> Iterator[Run]:
        """Every order, each until its end."""
        while self.left:
            run = self.run(*self.left.pop())
            self.runs += 1
            if run:
                yield run

    def replay(self, order: str) -> Run:
        """One order again."""
        self.most_preemptions = 0
        run = self.run(order, {})
        assert run is not None
        return run

    def run(self, prefix: str, asleep: dict[str, Step]) -> Run | None:
        """`prefix`, then without preemption to the end. None when it leads nowhere new."""
        scheduler, history, story = self.make(), History(), list[str]()
        preemptions, last = 0, ""
        with scheduler.installed():
            try:
                scheduler.start()
                while enabled := self.ready(scheduler, story):
                    done = len(scheduler.steps)
                    if done < len(prefix):
                        chosen, others = prefix[done], []
                        if chosen not in enabled:
                            raise Stuck(f"{chosen} cannot go on here:\n" + "\n".join(story))
                    else:
                        awake = [letter for letter in enabled if letter not in asleep]
                        if not awake or self.is_known(history, last, preemptions, asleep):
                            return None
                        chosen = last if last in awake else awake[0]
                        others = self.others(awake, chosen, last, preemptions)
                    preemptions += last in enabled and chosen != last
                    begun = "".join(step.letter for step in scheduler.steps)
                    step, last = scheduler.step(chosen), chosen
                    story.append(f"{done + 1}. {step.name}: {'; '.join(step.done) or 'goes on'}")
                    history.add(step)
                    if self.most_preemptions is None:
                        self.left += [(begun + other, {**asleep, chosen: step}) for other in others]
                    else:
                        self.left += [(begun + other, {}) for other in others]
                    if done >= len(prefix) - 1:
                        sleeping = asleep.items()
                        asleep = {k: each for k, each in sleeping if not each.conflicts_with(step)}
                    if done > MOST_STEPS:
                        raise Stuck("It does not end:\n" + "\n".join(story))
                order = "".join(step.letter for step in scheduler.steps)
                return Run(order, story, [*scheduler.problems, *self.check(scheduler)])
            finally:
                scheduler.close()

    def is_known(
        self, history: History, last: str, preemptions: int, asleep: dict[str, Step]
    ) -> bool:
        """Whether an order before led to this state, with at least as much to follow."""
        bounded = self.most_preemptions is not None
        before = self.seen.setdefault((history.key(), last if bounded else ""), [])
        costs = preemptions if bounded else 0
        if any(spent <= costs and slept <= asleep.keys() for spent, slept in before):
            return True
        before.append((costs, frozenset(asleep)))
        return False

    def others(self, awake: list[str], chosen: str, last: str, preemptions: int) -> list[str]:
        """Who may go on here instead."""
        bound = self.most_preemptions
        others = [letter for letter in awake if letter != chosen]
        if bound is None:
            return others
        forced = last not in awake
        return [letter for letter in others if preemptions + (not forced) <= bound]

    def ready(self, scheduler: Scheduler, story: list[str]) -> list[str]:
        """Who can go on. When all wait, time passes until the leases end."""
        if not scheduler.enabled() and scheduler.waiting():
            self.pass_time()
            scheduler.leases_ended = True
            story.append("   All wait, until the leases end.")
            scheduler.wake()
        return scheduler.enabled()
