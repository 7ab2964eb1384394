"""Browser components: the facet panel, the detail panel, and the lists and tiles of the pages.

Each is one Python file with a script and a style of the same name. Values from events are hostile
text: scripts set them only as text, and messages from the browser are validated before a page gets
them.
"""
