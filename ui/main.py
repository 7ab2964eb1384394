"""The Streamlit script: sign-in, and the menu of the pages that the user may open.

Not beside `pages/`: Streamlit would run the files of a folder with that name without this script,
and so without sign-in.
"""

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from trail.accounts.users import User
from trail.ingest import directory
from trail.runtime import process
from trail.storage import shared_results
from trail.web.guard import ALIVE
from ui import keyboard, menu_counts, menu_entry, page_links, sign_in_form, style, text
from ui.page import current_user, discover_pages

_MARK = (
    f'<svg xmlns="http://www.w3.org/2000/svg" width="26" height="26" viewBox="0 0 26 26">'
    f"{sign_in_form.MARK}</svg>"
)


def sign_in_pages() -> list[StreamlitPage]:
    """Return the sign-in form at the address of every page, so that deep links keep working."""
    paths = ["", *(page.path for page in discover_pages().values())]
    return [
        st.Page(sign_in_form.show, title="Sign in", url_path=path, default=not path)
        for path in paths
    ]


def menu(user: User) -> dict[str, list[StreamlitPage]]:
    """Return the pages by menu section: those of the role, and personal ones below the user's name.

    Pages for other roles are hidden but exist, so that their access check can explain the refusal;
    so do pages that only other pages link to.
    """
    entries: list[StreamlitPage] = []
    personal: list[StreamlitPage] = []
    has_home = False
    for name, page in discover_pages().items():
        if page.allows(user) and not has_home:
            # Streamlit serves the first page at `/` only; its own address must work, too.
            entries += [
                menu_entry.entry(name, page, ""),
                menu_entry.entry(name, page, page.path, hidden=True),
            ]
            has_home = True
        else:
            hidden = not (page.is_listed and page.allows(user))
            section = personal if page.is_personal else entries
            section.append(menu_entry.entry(name, page, page.path, hidden=hidden))
    return {"": entries, text.escape(user.name): personal}  # labels are Markdown


def main() -> None:
    """Draw the requested page with the menu of the user, or the sign-in form."""
    st.set_page_config(layout="wide")
    user = current_user()
    if user is None:
        st.navigation(sign_in_pages(), position="hidden").run()
        return
    runtime = process.current()
    with shared_results.within():
        workspace = runtime.settings.workspace or directory.workspace_name(runtime.store)
    style.apply(workspace)
    st.logo(_MARK, size="medium")
    page = st.navigation(menu(user), position="top")
    st.set_page_config(page_title=f"{page.title} - Audit Trail")
    page_links.open_requested(page.url_path)
    page_links.draw(page.url_path)
    page.run()
    menu_counts.draw(user)
    keyboard.draw()
    menu_entry.watch(key="watch", data={"path": ALIVE})


main()
