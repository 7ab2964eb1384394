"""The examples of docs/extending.md: the code of each new file by its path."""

import re
from pathlib import Path

EXAMPLES = dict(
    re.findall(
        r'^```python title="([\w/]+\.py)"\n(.*?)^```$',
        (Path(__file__).parents[1] / "docs" / "extending.md").read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
)
PAGES = {name: code for name, code in EXAMPLES.items() if name.startswith("pages/")}
