"""The list "Needs attention", with the actions that decide on each row."""

import datetime as dt
from typing import Literal

from trail.attention.checked import checked
from trail.attention.items import Item, items
from trail.core.errors import InputError
from trail.findings import expiring
from trail.retention import legal_holds
from trail.runtime import process
from ui import text, triage_menu, url_state
from ui.audit import record_action
from ui.components.attention import AttentionItem, attention_list
from ui.page import Context, current_user, discover_pages

_KEY = "needs-list"
_LEVELS: dict[str, tuple[Literal["high", "medium", "low"], str]] = {
    "now": ("high", "Now"),
    "soon": ("medium", "Soon"),
    "later": ("low", "Later"),
}
_HOLD_REASON = "Open findings would expire"


def draw(ctx: Context) -> None:
    """Draw the list; each row leads to the place that decides."""
    store, settings, now = ctx.store, ctx.runtime.settings, ctx.now
    zone, findings = url_state.timezone(), ctx.user.may("see_findings")
    listed = items(store, settings, now, findings=findings, zone=zone, weekdays=True)
    everything = items(
        store, settings, now, findings=findings, muted=True, zone=zone, weekdays=True
    )
    attention_list(
        {
            "rows": [_row(ctx, item) for item in listed],
            "muted": [_row(ctx, item) for item in everything if item.muted_until],
            "count": f"{sum(item.count for item in listed):,}",
            "empty": "" if listed else checked(store, settings, now).text(zone, now),
            "me": ctx.user.username,
            "users": [
                {"value": username, "label": name}
                for username, name in triage_menu.assignees(ctx.user)
            ],
            "mutes": [
                {"value": value, "label": label} for value, label in triage_menu.MUTES.items()
            ],
            "firstDay": f"{now.astimezone(zone).date() + dt.timedelta(days=1)}",
            "mayTriage": ctx.user.may("triage"),
        },
        _KEY,
        lambda messages: _act(messages, {item.subject: item for item in everything}),
    )


def _row(ctx: Context, item: Item) -> AttentionItem:
    level, urgency = _LEVELS[item.urgency]
    zone = url_state.timezone()
    may_hold = item.action == "hold" and ctx.user.may("configure")
    address = _address(ctx, item)
    # Who may not place a hold decides on the findings instead.
    label = "Decide" if item.action == "hold" and not may_hold else item.action_label
    if label == "Decide" and not ctx.user.may("decide"):
        label = "Open"
    in_menu = may_hold or (item.action == "assign" and ctx.user.may("triage"))
    return {
        "id": item.subject,
        "address": address,
        "level": level,
        "urgency": urgency,
        "what": item.title,
        "why": item.reason,
        "age": _age(item),
        "action": item.action if in_menu else "open",
        "label": _label(item, label, in_menu=in_menu),
        "assignee": item.assignee,
        "assigneeName": triage_menu.name_of(item.assignee) if item.assignee else "",
        "until": f"until {text.short_timestamp(item.muted_until, zone)}"
        if item.muted_until
        else "",
        "mayHold": may_hold,
        "holdReason": _HOLD_REASON if may_hold else "",
    }


def _label(item: Item, label: str, *, in_menu: bool) -> str:
    if item.action != "assign":
        return label
    if not in_menu:
        return "Open"
    return "Reassign" if item.assignee else label


def _age(item: Item) -> str:
    if item.since is None:
        return ""
    zone = url_state.timezone()
    if item.kind == "finding":
        return text.day(item.since.replace(tzinfo=dt.UTC).astimezone(zone).date(), zone)
    return f"since {text.short_timestamp(item.since, zone)}"


def _address(ctx: Context, item: Item) -> str:
    """Return where *item* leads, or nothing if the user has no access to that page."""
    name = item.path[1:].partition("?")[0]
    page = discover_pages().get(name)
    return item.path if page and page.allows(ctx.user) else ""


def _act(messages: list[dict[str, str]], shown: dict[str, Item]) -> None:
    for message in messages:
        if (item := shown.get(message["id"])) and item.subject:
            triage_menu.say(lambda item=item, message=message: _do(item, message))  # type: ignore[misc]


def _do(item: Item, message: dict[str, str]) -> str:
    what = f"{item.kind} {item.title}"
    if message["do"] == "assign":
        return triage_menu.assign(item.subject, what, message["to"])
    if message["do"] == "hold":
        return _hold(message["reason"])
    if not message["until"]:
        return triage_menu.mute(item.subject, what, None)
    now, zone = dt.datetime.now(dt.UTC), url_state.timezone()
    return triage_menu.mute(item.subject, what, triage_menu.mute_end(message["until"], now, zone))


def _hold(reason: str) -> str:
    """Place a legal hold on the days of the findings that expire soon; return what was done."""
    user = current_user()
    if user is None or not user.may("configure"):
        raise InputError("Your role cannot place legal holds.", "Ask an owner.")
    runtime = process.current()
    store = runtime.store
    soon = expiring.expiring(store, runtime.settings, dt.datetime.now(dt.UTC))
    if soon.days is None:
        raise InputError("No open finding expires soon.", "Reload the page.")
    start, end = (dt.datetime.combine(day, dt.time()) for day in soon.days)
    end += dt.timedelta(days=1)
    number = legal_holds.add(store, "period", "", start, end, reason, user.username)
    record_action(
        "held", user, f"hold {number}", f"period {soon.days[0]} to {soon.days[1]}: {reason}"
    )
    covered = legal_holds.count_events(store, number)
    return f"Hold {number} placed on {text.count(covered, 'event')}."
