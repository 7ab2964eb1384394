"""The filter bar of every page: search, window, time zone, export and active filters.

It reads and writes only the `Filter` in the URL.
"""

from ui.filter_bar.head import bar, chip_row, title, window_caption

__all__ = ["bar", "chip_row", "title", "window_caption"]
