"""Names of things: one check and one sentence for whatever has a name."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.attention.digest_schedules import DigestSchedule
from trail.core.errors import InputError
from trail.core.names import MAX_LENGTH, check_name
from trail.core.sections import Forward
from trail.notifications.destination import Destination
from trail.notifications.maintenance import MaintenanceWindow
from trail.notifications.rule import Rule
from trail.views.view import checked_name

CHECKS: dict[str, Callable[[str], object]] = {
    "rule": lambda name: Rule(name).check(),
    "window": lambda name: MaintenanceWindow(name, weekly=True).check(),
    "destination": lambda name: Destination(0, "demo_inbox", name).check(Forward()),
    "digest": lambda name: DigestSchedule(name).check(),
    "view": checked_name,
}


def is_valid(check: Callable[[], object], noun: str) -> bool:
    try:
        check()
    except InputError as error:
        assert error.message == f"The {noun} name is missing or invalid."
        assert error.hint == f"Use 1 to {MAX_LENGTH} printable characters."
        return False
    return True


@pytest.mark.parametrize("noun", CHECKS)
@given(name=st.text(max_size=MAX_LENGTH + 2) | st.sampled_from(["", " ", "x" * 80, "x" * 81, "\n"]))
def test_everything_accepts_the_same_names(noun: str, name: str) -> None:
    # Views drop surrounding and repeated spaces, so that what is left is checked.
    checked = " ".join(name.split()) if noun == "view" else name
    own = is_valid(lambda: check_name(checked, noun), noun)
    assert is_valid(lambda: CHECKS[noun](name), noun) == own
    assert own == (checked.strip() != "" and len(checked) <= MAX_LENGTH and checked.isprintable())
