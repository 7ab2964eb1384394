"""Real server processes on a copy of the project with additional pages.

Two have known content, so that a test can tell what a page shows; the other is the example of
docs/extending.md.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests import doc_examples, in_process
from tests.server.tab import Tab
from tests.started_server import free_port, until_healthy
from trail.accounts.users import Users
from trail.web.guard import COOKIE, VISIT_COOKIE

ROOT = Path(__file__).parents[2]
PARTS = (".streamlit", "dashboard.py", "detectors", "forwarders", "loaders", "pages", "trail", "ui")
UVICORN = ("-m", "uvicorn", "dashboard:app", "--port")
PASSWORD = "correct-horse-9"
PROBE = '''"""A test page."""
import streamlit as st
from ui.page import Context, Page
from ui.slow_read import SlowRead

ENDLESS = (
    "select count(*) from range(10000000) a, range(10000000) b where a.range * b.range = 7"
)

@st.fragment
def part(ctx: Context) -> None:
    if st.button("More"):
        st.text(f"FRAGMENT SECRET for {ctx.user.username}")

def render(ctx: Context) -> None:
    st.text(f"PAGE SECRET for {ctx.user.username}")
    st.session_state["seen"] = st.session_state.get("seen", 0) + 1
    st.text(f"run {st.session_state['seen']}")
    st.download_button("Get", b"FILE SECRET", "secret.txt")
    part(ctx)
    if st.query_params.get("endless"):
        ctx.store.table(ENDLESS)
    if st.query_params.get("slow"):
        with SlowRead(st.container(), "archived days", "slow") as reading:
            reading.step("first")
            st.text("FIRST STEP")
            reading.step("second")
            ctx.store.table(ENDLESS)
    st.text("COMPLETE")
    if st.query_params.get("fail"):
        raise RuntimeError("select * from secrets /etc/passwd")

PAGE = Page("probe", "Probe", render, order=1)

if __name__ == "__main__":
    PAGE.run()
'''
OWNERS = '''"""A test page for owners."""
import streamlit as st
from ui.page import Context, Page

def render(ctx: Context) -> None:
    st.text("OWNER SECRET")

PAGE = Page("owners-only", "Owners only", render, roles=frozenset({"owner"}), order=2)

if __name__ == "__main__":
    PAGE.run()
'''


@dataclass(frozen=True)
class Running:
    """A running server and what a test needs to talk to it."""

    url: str
    users: Users
    log: Path
    environment: dict[str, str]
    process: "subprocess.Popen[bytes] | None" = None

    def stop(self) -> None:
        """Stop the server as a service manager does; wait until it has exited."""
        assert self.process
        self.process.terminate()
        self.process.wait(30)

    def command(self, *arguments: str) -> str:
        """Run a command of the product while the server runs; return its output."""
        code, output, messages = in_process.run(arguments, self.environment, ROOT)
        assert code == 0, (arguments, output, messages)
        return output

    @contextlib.contextmanager
    def http(self, **cookies: str) -> Iterator[httpx2.Client]:
        """Yield a client with *cookies*; without any, with those of a browser's first visit."""
        # Without certificates, which take longer to read than most requests.
        with httpx2.Client(base_url=self.url, cookies=cookies or None, verify=False) as client:
            if not cookies:
                client.get("/", headers={"accept": "text/html"})
            yield client

    def tab(self, **options: object) -> Tab:
        """Return an open websocket like that of Streamlit's browser script."""
        return Tab(self.url.replace("http", "ws") + "/_stcore/stream", **options)  # type: ignore[arg-type]

    def sign_in(self, username: str, password: str = PASSWORD, source: str = "") -> str:
        """Sign in through the form; return the value of the session cookie.

        *source* is the local IP address from which the form is sent.
        """
        visit = self.http()
        with visit as client, self.tab(visit=client.cookies[VISIT_COOKIE], source=source) as tab:
            tab.run(page="probe")
            tab.run(
                page="probe", typed={"Username": username, "Password": password}, press="Sign in"
            )
            redirect = tab.component_data("trail_redirect")
            assert redirect is not None, tab.text
            client.get(redirect["path"], params={"code": redirect["code"], "next": "/probe"})
            return client.cookies[COOKIE]


def _with_files(files: int) -> list[str]:
    """Return the start of a command line that limits open files to *files*, if not 0."""
    return ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh"] if files else []


@pytest.fixture(scope="package")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project with the additional pages."""
    folder = tmp_path_factory.mktemp("project")
    ignored = shutil.ignore_patterns("__pycache__")
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=ignored)
        else:
            shutil.copy(source, folder / part)
    (folder / "pages" / "probe.py").write_text(PROBE)
    (folder / "pages" / "owners_only.py").write_text(OWNERS)
    for name, code in doc_examples.PAGES.items():
        assert not (folder / name).exists(), f"{name} is no new file"
        (folder / name).write_text(code)
    return folder


@pytest.fixture(scope="module")
def start_server(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Running]]:
    """Return a function that starts a server process and waits until it responds.

    Keyword arguments are added to the environment of the process. *restarted* is a server to stop
    and to start again on its files. *program* is what starts it, *files* limits its open files.
    The servers of a module stop after it: an idle one has jobs.
    """
    with _starting(project, tmp_path_factory) as start:
        yield start


@contextlib.contextmanager
def _starting(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Running]]:
    processes: list[subprocess.Popen[bytes]] = []

    def start(
        restarted: Running | None = None,
        program: tuple[str, ...] = UVICORN,
        files: int = 0,
        **more: str,
    ) -> Running:
        data = restarted.log.parent if restarted else tmp_path_factory.mktemp("data")
        users = Users(data / "users.yaml")
        if restarted:
            restarted.stop()
        else:
            users.add("maya", "Maya Lind", "", "owner", PASSWORD)
            users.add("jon", "Jon Berg", "", "manager", PASSWORD)
        port = free_port()
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("TRAIL_")
        }
        configured = {
            "TRAIL_CONFIG": str(data / "trail.toml"),
            "TRAIL_STORE__PATH": str(data / "trail.duckdb"),
            "TRAIL_STORE__DEMO": "never",
            "TRAIL_AUTH__USERS_PATH": str(data / "users.yaml"),
            **more,
        }
        log = data / "server.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                [*_with_files(files), sys.executable, *program, str(port)],
                cwd=project,
                env=inherited | configured,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        processes.append(process)
        url = f"http://127.0.0.1:{port}"
        until_healthy(url, process, log, "/_stcore/health")
        return Running(url, users, log, inherited | configured, process)

    yield start
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture(scope="package")
def server(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a server that tests share unless they need a new one.

    It stops after this folder, like that of the browser tests: an idle server takes time, too.
    """
    with _starting(project, tmp_path_factory) as start:
        yield start()
