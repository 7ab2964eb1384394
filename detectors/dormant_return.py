"""D6: somebody who was away for weeks comes back and makes a risky change."""

from trail.findings.model import Detector, Example, Facts, act, daily, workdays

# Days without activity that a short history is held against: two days in a row are no habit.
_PRIOR_DAYS = 14

_SQL = f"""
with away as (
 select day, actor_key, m, risk, day_before, date_diff('day', day_before, day) as gap,
  least(0.95, m / (date_diff('day', first_day, day_before) + {_PRIOR_DAYS})) as rate
 from actor_days where day_before is not null and day >= (select since from judged)
)
select w.day, w.actor_key, least(12, -gap * log2(1 - rate) * 0.8) as bits, risk::double as risk,
 to_json(struct_pack(gap := gap, m := m, share := round(100 * rate))) as facts,
 (select list(distinct a.action order by a.action) from acted a
  where a.day = w.day and a.actor_key = w.actor_key and a.risk >= 4) as actions,
 null::timestamp as since, null::timestamp as upto
from away w where gap >= 21 and risk >= 4 and m >= 2
"""


def _words(facts: Facts) -> str:
    return (
        f"back after {facts['gap']} days without a trace; before that active on "
        f"{facts['share']:g}% of days ({facts['m']} active days)"
    )


_HABIT = daily(workdays(0, 20), "users/ana", "Warehouses Modified", target="warehouse-1")
_OTHERS = daily(workdays(0, 60), "users/ben", "Warehouses Modified", target="warehouse-2")

DETECTOR = Detector(
    name="dormant",
    title="Dormant actor returns",
    sentence="An actor who had been away for three weeks or more makes a risky change.",
    check=(
        "Find out whether the person is back: leave, or a changed role.",
        "If they have left the company, take their access away now, and look at all they did.",
        "For a token, find out who still holds it.",
    ),
    sql=_SQL,
    words=_words,
    examples=(
        Example(
            "a warehouse disabled after 36 days away",
            True,
            (*_HABIT, *_OTHERS, *act(56, "11:00", "users/ana", "Warehouses Disabled", "w-1")),
            56,
            "users/ana",
        ),
        Example(
            "a warehouse disabled after a long weekend",
            False,
            (*_HABIT, *_OTHERS, *act(22, "11:00", "users/ana", "Warehouses Disabled", "w-1")),
            22,
            "users/ana",
        ),
    ),
)
