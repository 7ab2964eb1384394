"""Conventions of the code, checked in its syntax trees."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PRODUCT = ("trail", "loaders", "detectors", "forwarders", "pages", "ui")
GENERIC_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "managers"}

Rule = Callable[[ast.Module], list[int]]


def files(*folders: str) -> list[Path]:
    """Return the Python files of these folders; a name may also be that of a file."""
    paths: list[Path] = []
    for name in folders:
        path = ROOT / name
        paths += [path] if path.is_file() else sorted(path.rglob("*.py"))
    assert paths
    return [path for path in paths if not any(part.startswith(".") for part in path.parts[1:])]


def violations(rule: Rule, paths: list[Path]) -> list[str]:
    """Return the violations of *rule* as `file:line`."""
    return [
        f"{path.relative_to(ROOT).as_posix()}:{number}"
        for path in paths
        for number in rule(ast.parse(path.read_text(encoding="utf-8")))
    ]


# --- the rules --------------------------------------------------------------------------------

_SQL = re.compile(
    r"\bselect\b.+\bfrom\b|\binsert\s+into\b|\bdelete\s+from\b|\bupdate\b.+\bset\b.+="
    r"|\bcreate\s+(or\s+replace\s+)?(temp\s+)?(table|view)\b|\bgroup\s+by\b|\border\s+by\b",
    re.DOTALL,
)


def sql_strings(tree: ast.Module) -> list[int]:
    prose = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and ast.get_docstring(node) is not None
        and isinstance(node.body[0], ast.Expr)
    }
    return sorted(
        {
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant | ast.JoinedStr)
            and id(node) not in prose
            and (_SQL.search(_text(node)) or _SQL.search(_text(node).swapcase()))
        }
    )


def _text(node: ast.expr) -> str:
    """Return the text of a string, with `?` for each replacement field of an f-string."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "?"


def streamlit_names(tree: ast.Module) -> set[str]:
    return {
        (name.asname or name.name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
        if (node.module if isinstance(node, ast.ImportFrom) else name.name or "")
        and re.match(
            r"streamlit\b", node.module or "" if isinstance(node, ast.ImportFrom) else name.name
        )
    }


def _run_at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run when a module is imported, without function bodies."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside: list[ast.AST] = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
            for part in inside:
                yield part
                yield from _run_at_import(part)
        elif not isinstance(node, ast.Lambda):
            yield node
            yield from _run_at_import(node)


def streamlit_calls_at_import(tree: ast.Module) -> list[int]:
    names = streamlit_names(tree)

    def root(node: ast.expr) -> str:
        while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
            node = node.func if isinstance(node, ast.Call) else node.value
        return node.id if isinstance(node, ast.Name) else ""

    return [
        node.lineno
        for node in _run_at_import(tree)
        if isinstance(node, ast.Call) and root(node.func) in names
    ]


def unsafe_html(tree: ast.Module) -> list[int]:
    return [
        getattr(node, "lineno", 0) or node.value.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.keyword) and node.arg == "unsafe_allow_html")
        or (isinstance(node, ast.Constant) and node.value == "unsafe_allow_html")
    ]


def streamlit_imports(tree: ast.Module) -> list[int]:
    return _imports(tree, "streamlit")


def _imports(tree: ast.Module, package: str) -> list[int]:
    result = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""] if not node.level else []
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            modules = [str(a.value) for a in node.args if isinstance(a, ast.Constant)]
        else:
            continue
        if any(module.partition(".")[0] == package for module in modules):
            result.append(node.lineno)
    return result


def duckdb_connects(tree: ast.Module) -> list[int]:
    result = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "duckdb.connect":
            result.append(node.lineno)
        elif isinstance(node, ast.ImportFrom) and node.module == "duckdb":
            result += [node.lineno for name in node.names if name.name in ("connect", "*")]
        elif isinstance(node, ast.Import):
            result += [node.lineno for name in node.names if name.name == "duckdb" and name.asname]
    return result


def no_docstring(tree: ast.Module) -> list[int]:
    return [] if ast.get_docstring(tree) else [1]


# --- checks of the code -----------------------------------------------------------------------


def test_no_sql_in_pages_and_ui() -> None:
    assert violations(sql_strings, files("pages", "ui")) == []


def test_importing_a_page_renders_nothing() -> None:
    assert violations(streamlit_calls_at_import, files("pages")) == []


def test_data_is_never_rendered_as_html() -> None:
    assert violations(unsafe_html, files("dashboard.py", *PRODUCT)) == []


def test_streamlit_stays_in_dashboard_pages_and_ui() -> None:
    assert violations(streamlit_imports, files("trail", "loaders", "detectors", "forwarders")) == []
    assert violations(streamlit_imports, files("ui"))  # the rule detects it


def test_only_the_storage_package_opens_duckdb() -> None:
    store = ROOT / "trail" / "storage" / "connection.py"
    others = [path for path in files("dashboard.py", *PRODUCT) if path != store]
    assert violations(duckdb_connects, others) == []
    assert violations(duckdb_connects, [store])


def test_every_module_has_a_docstring() -> None:
    paths = [path for path in files("dashboard.py", *PRODUCT, "tests") if path.stat().st_size]
    assert violations(no_docstring, paths) == []


def test_no_file_has_a_generic_name() -> None:
    named = files("dashboard.py", *PRODUCT, "tests")
    folders = {part for path in named for part in path.relative_to(ROOT).parts[:-1]}
    assert GENERIC_NAMES.isdisjoint({path.stem for path in named} | folders)


def test_every_folder_of_modules_is_a_package() -> None:
    """A folder without `__init__.py` is invisible to the import contracts."""
    folders = {path.parent for path in files("trail", "loaders", "detectors", "forwarders", "ui")}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


# --- tests of the rules -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "code", "lines"),
    [
        (sql_strings, 'x = "select a from b"', [1]),
        (sql_strings, 'x = "SELECT a\\nFROM b"', [1]),
        (sql_strings, 'def f():\n "d"\n return f"select {x} from events"', [3]),
        (sql_strings, 'x = "delete from events"', [1]),
        (sql_strings, 'x = f"{x} order by {y}"', [1]),
        (sql_strings, 'x = "create or replace temp table t as"', [1]),
        (sql_strings, '"""How to select a row from a table."""\nx = "Select all"', []),
        (sql_strings, 'x = "Updated settings from"', []),
        (streamlit_calls_at_import, 'import streamlit as st\nst.title("x")', [2]),
        (streamlit_calls_at_import, "import streamlit\nx = streamlit.sidebar.button('x')", [2]),
        (streamlit_calls_at_import, "from streamlit import title\nif True:\n title('x')", [3]),
        (streamlit_calls_at_import, "import streamlit as st\nclass A:\n x = st.empty()", [3]),
        (streamlit_calls_at_import, "import streamlit as st\ndef f(x=st.empty()): ...", [2]),
        (streamlit_calls_at_import, "import streamlit as st\ndef f():\n st.title('x')", []),
        (streamlit_calls_at_import, "import streamlit as st\n@st.fragment\ndef f(): ...", []),
        (streamlit_calls_at_import, "from ui.page import Page\nPAGE = Page('x')", []),
        (unsafe_html, "st.markdown(x, unsafe_allow_html=True)", [1]),
        (unsafe_html, "st.markdown(x, **{'unsafe_allow_html': True})", [1]),
        (unsafe_html, "st.markdown(x)", []),
        (streamlit_imports, "import streamlit as st", [1]),
        (streamlit_imports, "from streamlit.web import cli", [1]),
        (streamlit_imports, "def f():\n import streamlit", [2]),
        (streamlit_imports, "importlib.import_module('streamlit')", [1]),
        (streamlit_imports, "import streamlined", []),
        (duckdb_connects, "duckdb.connect()", [1]),
        (duckdb_connects, "from duckdb import connect", [1]),
        (duckdb_connects, "import duckdb as d", [1]),
        (duckdb_connects, "import duckdb\nx: duckdb.Error", []),
        (no_docstring, "x = 1", [1]),
        (no_docstring, '"""What it is."""', []),
    ],
)
def test_rule_detects_violations(rule: Rule, code: str, lines: list[int]) -> None:
    assert rule(ast.parse(code)) == lines
