"""A menu that is filled when it is opened."""

import streamlit as st
from streamlit.elements.lib.mutable_popover_container import PopoverContainer


def menu(key: str, icon: str, name: str) -> PopoverContainer:
    """Return a menu to fill when it is `open`; while closed, it costs the page no elements."""
    return st.popover("", icon=icon, help=name, key=key, on_change="rerun")
