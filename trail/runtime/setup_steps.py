"""The setup steps of a workspace, with their state derived from what is stored."""

from dataclasses import dataclass
from typing import Literal

from trail.accounts.invitations import Invitations
from trail.core.sections import SETUP_STEPS
from trail.events import store_status
from trail.notifications import rule_store
from trail.runtime.process import Runtime

NAME = "setup.skipped"  # the setting

State = Literal["done", "skipped", "open"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its name, title and state."""

    name: str
    title: str
    state: State


def steps(runtime: Runtime) -> tuple[Step, ...]:
    """Return the steps in order.

    The owner step is always done, since only owners see the steps. Events is done once the
    workspace's own database has events, alerts with the first rule, colleagues with a second or
    invited user or single sign-on. The demo workspace does not count.
    """
    is_real = not runtime.demo
    done = {
        "events": is_real and store_status.has_events(runtime.store),
        "alerts": is_real and bool(rule_store.list_all(runtime.store)),
        "colleagues": runtime.settings.auth.by_provider or _has_colleagues(runtime),
    }
    skipped = runtime.settings.setup.skipped
    return (
        Step("owner", "Owner account", "done"),
        *(
            Step(name, title, "done" if done[name] else "skipped" if name in skipped else "open")
            for name, title in SETUP_STEPS.items()
        ),
    )


def _has_colleagues(runtime: Runtime) -> bool:
    return len(runtime.users.all()) + len(Invitations(runtime.users).all()) > 1


def following(known: tuple[Step, ...], name: str) -> Step | None:
    """Return the next open step after the step *name*, continuing from the first one."""
    places = [step.name for step in known]
    at = places.index(name) + 1 if name in places else 0
    ordered = (*known[at:], *known[:at])
    return next((step for step in ordered if step.state == "open" and step.name != name), None)
