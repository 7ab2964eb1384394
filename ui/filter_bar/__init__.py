"""The filter bar of every page: search, window, time zone, export and active filters.

It reads and writes only the `Filter` in the URL.
"""

from ui.filter_bar.head import bar, chip_row, title, window_caption
from ui.filter_bar.time_control import window as time_range
from ui.filter_bar.time_control import zoom_out

__all__ = ["bar", "chip_row", "time_range", "title", "window_caption", "zoom_out"]
