"""Entity tags and links to the next page of the real routes."""

import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from trail.web.conditional import conditional, next_page


def request(
    path: str = "/api/events", query: str = "", method: str = "GET", **headers: str
) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request(
        {
            "type": "http",
            "method": method,
            "path": path,
            "root_path": "",
            "server": ("localhost", 80),
            "scheme": "http",
            "query_string": query.encode(),
            "headers": raw,
        }
    )


def answer(body: bytes = b"{}") -> Response:
    headers = {"cache-control": "no-store", "link": '<x>; rel="next"'}
    return Response(body, media_type="application/json", headers=headers)


def test_an_unchanged_answer_is_not_sent_again() -> None:
    first = conditional(request(), answer())
    tag = first.headers["etag"]
    for given in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = conditional(request(if_none_match=given), answer())
        assert (again.status_code, again.body) == (304, b"")
        kept = {name: again.headers[name] for name in ("etag", "cache-control", "link")}
        assert kept == {name: first.headers[name] for name in kept}
    for given in ("", "other", '"other"', tag[:-2]):
        assert conditional(request(if_none_match=given), answer()).status_code == 200
    assert conditional(request(if_none_match=tag), answer(b"[]")).headers["etag"] != tag


@pytest.mark.parametrize(
    ("method", "response"),
    [
        ("POST", answer()),
        ("GET", Response(b"{}", 400, media_type="application/json")),
        ("GET", StreamingResponse(iter([b"a"]), media_type="application/json", status_code=201)),
        ("GET", Response(b"a,b", media_type="text/csv")),
    ],
)
def test_other_answers_have_no_tag(method: str, response: Response) -> None:
    sent = conditional(request(method=method, if_none_match="*"), response)
    assert sent is response
    assert "etag" not in sent.headers


def test_link_keeps_the_query_and_cannot_break_the_header() -> None:
    query = "q=a%0D%0Ab%3E&q=%C3%A9&after=old&limit=2"
    link = next_page(request(query=query), {"after": "2026~x>\r\n"})["link"]
    assert link == (
        '</api/events?q=a%0D%0Ab%3E&q=%C3%A9&limit=2&after=2026~x%3E%0D%0A>; rel="next"'
    )
    assert next_page(request(query="q=" + "a" * 5_000), {"after": "x"}) == {}
