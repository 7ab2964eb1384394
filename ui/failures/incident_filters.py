"""What narrows the list of incidents: group, kind, target type, owner and pattern, in the URL."""

from collections import Counter
from collections.abc import Callable, Sequence

import streamlit as st

from trail.events import value_names
from trail.incidents.grouping import CLASSES
from trail.incidents.kinds import KINDS
from trail.incidents.listing import Listing
from trail.incidents.shown import ENDED, GROUPS, OPEN, TRANSIENT, Shown
from trail.storage.duckdb import Store
from trail.storage.filters import Choice, Filter
from ui import text, url_state
from ui.failures import incident_table
from ui.filter_bar import active_filters

_LISTED = "listed"
_GROUP_TITLES = {_LISTED: "All", OPEN: "Open", ENDED: "Ended", TRANSIENT: "Transient"}
# What `class` meant before there were groups and patterns.
_FORMER = {"open": OPEN, "folded": TRANSIENT}


def from_url() -> Shown:
    """Return what the URL says to show; what it cannot mean is left out."""
    former = url_state.param("class")
    group = url_state.param("group") or _FORMER.get(former, "")
    names = (url_state.param("pattern") or former).split(",")
    return Shown(
        group if group in GROUPS else "",
        tuple(name for name in CLASSES if name in names),
        url_state.param("owner"),
        incident_table.LIST.order(),
    )


def draw(store: Store, listing: Listing) -> None:
    """Draw the groups with their counts, the menus, and the other filters as chips."""
    with st.container(horizontal=True, vertical_alignment="center", key="incident-filters"):
        _groups(listing)
        titles = {kind.name: kind.title for kind in KINDS}
        _menu("Kind", "kind", titles, _chosen_kinds(listing.filter), _choose_kinds(listing))
        _target_types(listing)
        _owners(listing)
        _patterns(listing)
        labels = value_names.labels(store, [listing.filter])
        active_filters.draw(listing.filter, labels, with_search=True)
        _hidden(listing)


def _groups(listing: Listing) -> None:
    groups = listing.summary.groups
    numbers = {name: groups[name].incidents for name in GROUPS}
    numbers[_LISTED] = sum(numbers[name] for name in listing.default_groups)
    key = "incident-group"
    st.session_state[key] = listing.shown.group or _LISTED

    def choose() -> None:
        chosen = st.session_state[key]
        _put(group="" if chosen == _LISTED else chosen, **{"class": ""})

    st.segmented_control(
        "Incidents",
        list(_GROUP_TITLES),
        required=True,
        format_func=lambda name: f"{_GROUP_TITLES[name]} · {numbers[name]:,}",
        key=key,
        on_change=choose,
        label_visibility="collapsed",
    )


def _hidden(listing: Listing) -> None:
    """Say how many incidents are hidden and why, with a button that shows them."""
    if not listing.hidden:
        return
    st.caption(
        f"{text.count(listing.hidden, 'transient incident')} hidden: a few attempts failed and "
        "then no more",
        width="content",
    )
    st.button(
        "Show",
        type="tertiary",
        key="show-transient",
        help="Show the transient incidents",
        on_click=lambda: _put(group=TRANSIENT, **{"class": ""}),
    )


def _put(**names: str) -> None:
    """Set these parameters, on the first page and without an opened incident."""
    url_state.put_params(**names, row="", incident="")


def _menu(
    title: str,
    key: str,
    options: dict[str, str],
    chosen: Sequence[str],
    choose: Callable[[list[str]], None],
) -> None:
    """Draw a menu of *options* (titles by name), of which several may be *chosen*."""
    known = [name for name in chosen if name in options]
    more = f" · {len(known)}" if known else ""
    with st.popover(f"{title}{more}", disabled=not options, key=f"{key}-menu"):
        st.session_state[f"{key}-choice"] = known
        st.pills(
            title,
            list(options),
            selection_mode="multi",
            format_func=options.__getitem__,
            key=f"{key}-choice",
            on_change=lambda: choose(st.session_state[f"{key}-choice"]),
        )


def _chosen_kinds(filter_: Filter) -> list[str]:
    chosen = set(filter_.choice("action").include)
    return [kind.name for kind in KINDS if chosen & set(kind.actions)]


def _choose_kinds(listing: Listing) -> Callable[[list[str]], None]:
    def choose(names: list[str]) -> None:
        actions = [action for kind in KINDS if kind.name in names for action in kind.actions]
        _set_choice(listing.filter, "action", actions)

    return choose


def _set_choice(filter_: Filter, facet: str, values: list[str]) -> None:
    chosen = {name: choice for name, choice in filter_.choices.items() if name != facet}
    if values:
        chosen[facet] = Choice(tuple(values))
    url_state.set_url(Filter(filter_.start, filter_.end, chosen, filter_.q, filter_.tz))


def _target_types(listing: Listing) -> None:
    chosen = listing.filter.choice("target_type").include
    names = sorted({*listing.target_types, *chosen} - {""})
    _menu(
        "Target type",
        "target-type",
        {name: text.escape(name.replace("_", " ")) for name in names},
        chosen,
        lambda values: _set_choice(listing.filter, "target_type", values),
    )


def _owners(listing: Listing) -> None:
    numbers = Counter(owner.actor_id for owner in listing.owners.values())
    names = {owner.actor_id: owner.name for owner in listing.owners.values()}
    shown = listing.shown.owner
    options = ["", *sorted(names, key=lambda one: (-numbers[one], names[one].casefold()))]
    if shown not in options:
        options.append(shown)
    key = f"owner-choice-{shown}"
    label = f"Owner · {names.get(shown, shown)}" if shown else "Owner"
    with st.popover(text.escape(label), disabled=len(options) < 2, key="owner-menu"):
        st.selectbox(
            "Owner",
            options,
            index=options.index(shown),
            format_func=lambda one: (
                f"{names.get(one, one)} · {text.count(numbers[one], 'target')}" if one else "Anyone"
            ),
            key=key,
            on_change=lambda: _put(owner=st.session_state[key]),
        )
        st.caption("The user or token who last changed the failing target, or created it.")


def _patterns(listing: Listing) -> None:
    _menu(
        "Pattern",
        "pattern",
        {name: name.capitalize() for name in CLASSES},
        listing.shown.classes,
        lambda names: _put(pattern=",".join(names), **{"class": ""}),
    )
