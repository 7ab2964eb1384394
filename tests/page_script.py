"""The script of `drawn_page`: it draws the page of the session's state and the menu's numbers.

Nobody signs in. A file beside `pages/`, as links to pages are relative to the script.
"""

import streamlit as st

from trail.accounts.users import User
from trail.core import registry
from trail.runtime import process
from ui import menu_counts
from ui.page import Context

if __name__ == "__main__":
    pages = registry.discover("pages", "PAGE")
    st.navigation(
        [st.Page(f"../pages/{page.path}.py", title=page.title) for page in pages.values()],
        position="hidden",
    )
    user = User("maya", "Maya Lind", "", st.session_state["role"])
    pages[st.session_state["page"]].render(Context(user, process.current()))
    menu_counts.draw(user)
