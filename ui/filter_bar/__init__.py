"""The filter bar of every page: search, window, time zone, export and active filters.

It reads and writes only the `Filter` in the URL.
"""

from ui.filter_bar.export_menu import draw as export
from ui.filter_bar.head import caption, head, title, window_caption
from ui.filter_bar.time_control import window as time_range
from ui.filter_bar.time_control import zoom_out

__all__ = ["caption", "export", "head", "time_range", "title", "window_caption", "zoom_out"]
