"""A way is looked for once; what there is no way to is looked for each time."""

from collections.abc import Callable

import pytest
from werkzeug.exceptions import BadHost, MethodNotAllowed, NotFound
from werkzeug.routing import Map, MapAdapter, Rule

from webhook_adapter.http.routing import RememberedWay, Ways

RULES = Map([Rule("/hook/<name>", endpoint="hook", methods=["POST"]), Rule("/hook/all", endpoint="all")])


class Doors:
    """Asks as Flask does, and counts how often werkzeug is asked."""

    def __init__(self) -> None:
        self.ways = Ways()
        self.looks = 0

    def match(self, method: str, path: str, host: str = "localhost") -> tuple[str, dict[str, object]]:
        environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "HTTP_HOST": host}
        rule, values = RememberedWay(self.ways, environ, lambda: self._bound(environ)).match(return_rule=True)
        return rule.endpoint, values

    def _bound(self, environ: dict[str, str]) -> MapAdapter:
        self.looks += 1
        return RULES.bind(
            environ["HTTP_HOST"], path_info=environ["PATH_INFO"], default_method=environ["REQUEST_METHOD"]
        )


@pytest.fixture
def doors() -> Doors:
    return Doors()


def test_what_was_found_is_not_looked_for_again(doors: Doors) -> None:
    found = [doors.match("POST", "/hook/a"), doors.match("POST", "/hook/a")]

    assert found == [("hook", {"name": "a"})] * 2
    assert doors.looks == 1


def test_each_path_and_method_has_a_way_of_its_own(doors: Doors) -> None:
    found = [doors.match(*each) for each in (("POST", "/hook/a"), ("POST", "/hook/b"), ("GET", "/hook/all"))]

    assert found == [("hook", {"name": "a"}), ("hook", {"name": "b"}), ("all", {})]


@pytest.mark.parametrize(
    ("method", "path", "error"), [("GET", "/hook/a", MethodNotAllowed), ("POST", "/hook", NotFound)], ids=["405", "404"]
)
def test_what_is_refused_once_is_refused_each_time(
    doors: Doors, method: str, path: str, error: type[Exception]
) -> None:
    doors.match("POST", "/hook/a")

    for _ in range(2):
        with pytest.raises(error):
            doors.match(method, path)


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".example"])
def test_what_is_no_host_is_refused_also_where_the_way_is_known(doors: Doors, host: str) -> None:
    doors.match("POST", "/hook/a")

    for _ in range(2):
        with pytest.raises(BadHost):
            doors.match("POST", "/hook/a", host)


def test_hosts_share_what_was_found_for_one_and_fill_no_memory(doors: Doors) -> None:
    hosts = [f"{number}.example" for number in range(70)]
    for host in [*hosts, *hosts[-2:]]:
        doors.match("POST", "/hook/a", host)
    doors.match("POST", "/hook/a", hosts[0])

    assert doors.looks == 71


def test_whoever_changes_what_they_were_told_changes_it_for_nobody_else(doors: Doors) -> None:
    doors.match("POST", "/hook/a")[1]["name"] = "b"

    assert doors.match("POST", "/hook/a") == ("hook", {"name": "a"})


@pytest.mark.parametrize(
    "path", [lambda number: f"/hook/{number}", lambda _: "/hook/" + "a" * 300], ids=["many", "long"]
)
def test_strangers_fill_no_memory(doors: Doors, path: Callable[[int], str]) -> None:
    for number in range(600):
        doors.match("POST", path(number))
    doors.match("POST", path(0))

    assert doors.looks == 601
