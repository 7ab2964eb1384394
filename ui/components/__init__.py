"""Browser components: the facet panel, the detail panel and the small lists of the Overview.

Each is one Python file beside its script and style. Values from events are hostile text: scripts
set them as text only, and what comes back from the browser is checked before a page sees it.
"""
