"""The tables of bench/DETECTION.md."""

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence

from bench.detection import rivals
from bench.detection.judging import BENIGN, Results
from bench.detection.world import Planted

Run = tuple[Mapping[str, Planted], Results]


def methods(runs: Sequence[Run], list_: str) -> str:
    """Return each method's figures at each budget: mean over the runs, lowest and highest."""
    lines = [
        "| budget a day | method | recall | precision | false alarms a week | of which look-alikes "
        "| median hours to detection | shown a day |",
        "|---|---|---|---|---|---|---|---|",
    ]
    keys = sorted(runs[0][1], key=lambda key: (key[1], key[0] != rivals.OURS, key[0]))
    for name, per_day in keys:
        outcomes = [(planted, results[name, per_day]) for planted, results in runs]
        recalls = [o.recall(planted, list_) for planted, o in outcomes]
        precisions = [o.right / max(1, o.shown) for _, o in outcomes]
        waits = [wait for planted, o in outcomes for wait in o.hours(planted, list_)]
        wrong = [(o.shown - o.right) / o.days * 7 for _, o in outcomes]
        lines.append(
            f"| {per_day:g} | {name} | {_spread(recalls)} | {_spread(precisions)} "
            f"| {statistics.mean(wrong):.1f} ({min(wrong):.1f}–{max(wrong):.1f}) "
            f"| {statistics.mean(o.alike / o.days * 7 for _, o in outcomes):.1f} "
            f"| {f'{statistics.median(waits):.0f}' if waits else '–'} "
            f"| {statistics.mean(o.shown / o.days for _, o in outcomes):.2f} |"
        )
    return "\n".join(lines)


def types(runs: Sequence[Run], list_: str, budgets: Sequence[float]) -> str:
    """Return how often the product's findings contain each type of scenario of *list_*."""
    hits: dict[str, dict[float, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for planted, results in runs:
        for per_day in budgets:
            for name, scenario in planted.items():
                if scenario.list == list_:
                    hit = results[rivals.OURS, per_day].first[name] is not None
                    hits[scenario.type][per_day].append(hit)
    head = " | ".join(f"{per_day:g} a day" for per_day in budgets)
    lines = [f"| scenario | {head} | planted |", "|---|" + "---|" * (len(budgets) + 1)]
    for name, by_budget in hits.items():
        cells = " | ".join(f"{statistics.mean(by_budget[per_day]):.2f}" for per_day in budgets)
        lines.append(f"| {name.replace('_', ' ')} | {cells} | {len(by_budget[budgets[0]])} |")
    return "\n".join(lines)


def alike(runs: Sequence[Run], budgets: Sequence[float]) -> str:
    """Return how often each benign look-alike is reported."""
    return types(runs, BENIGN, budgets)


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.mean(values):.2f} ({min(values):.2f}–{max(values):.2f})"
