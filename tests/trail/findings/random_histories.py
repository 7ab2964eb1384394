"""Random events of a few actors over some weeks, for property tests."""

import datetime as dt

from hypothesis import strategies as st

from trail.findings.detector import FIRST_DAY, ExampleEvent

ACTORS = ("users/ana", "users/ben", "users/cyd", "tokens/sync", "system", "")
ACTIONS = (
    "Source Modified", "Source Modified", "Audience Modified", "Warehouses Disabled",
    "Source Deleted", "Audience CSV Downloaded", "Destination Filters Deleted",
    "Integrations Created", "Integrations Deleted", "User Group Updated", "User Invite Sent",
    "Permission Check", "Audience Run Failed", "Audience Run Forced", "Nobody Knows This",
)  # fmt: skip
DAYS = 40

_EVENT = st.builds(
    lambda day, minute, actor, action, target: ExampleEvent(
        dt.datetime.combine(FIRST_DAY, dt.time()) + dt.timedelta(days=day, minutes=minute),
        actor,
        action,
        f"thing-{target}",
    ),
    st.integers(0, DAYS - 1),
    st.integers(0, 24 * 60 - 1),
    st.sampled_from(ACTORS),
    st.sampled_from(ACTIONS),
    st.integers(0, 4),
)


@st.composite
def histories(draw: st.DrawFn) -> list[ExampleEvent]:
    """Draw routine and single events; no two are close enough to be duplicates."""
    drawn = draw(st.lists(_EVENT, max_size=40))
    for _ in range(draw(st.integers(0, 3))):
        actor, action = draw(st.sampled_from(ACTORS[:4])), draw(st.sampled_from(ACTIONS))
        step, minute = draw(st.integers(1, 3)), draw(st.integers(0, 1_400))
        for day in range(draw(st.integers(0, 10)), DAYS, step):
            at = dt.datetime.combine(FIRST_DAY, dt.time()) + dt.timedelta(days=day, minutes=minute)
            drawn.append(ExampleEvent(at, actor, action, "thing-0"))
    return list(dict.fromkeys(drawn))
