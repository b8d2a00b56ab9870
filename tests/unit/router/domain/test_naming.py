"""What a name fits: the whole id before labels, those before parts of ids."""

import pytest

from router.domain.naming import Named, fitting, several

UUID, OTHER = "0192aaaa-1111-7000-8000-00000000beef", "0192bbbb-2222-7000-8000-00000000cafe"
THINGS = [
    Named(f"session_{UUID}", "api", "devbox"),
    Named(OTHER, "API", "laptop"),
    Named("docs-build-2", "pages"),
    Named("docs-build", "old pages", over=True),
    Named("another", "docs-bui", over=True),
    Named("hostile", UUID.replace("a", "c")),
]


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        (UUID, f"session_{UUID}"),
        (f"cse_{UUID}", f"session_{UUID}"),
        ("api", f"session_{UUID}"),
        ("API", OTHER),
        ("Pages", "docs-build-2"),
        ("0192a", f"session_{UUID}"),
        ("session_0192", f"session_{UUID}"),
        ("beef", f"session_{UUID}"),
        ("0000cafe", OTHER),
        ("docs-build", "docs-build"),
        ("docs-bui", "another"),
        ("docs-b", "docs-build-2"),
        ("old pages", "docs-build"),
    ],
    ids=[
        "bare", "dressed", "label", "exact-case", "any-case", "beginning", "dressed-beginning", "end", "longer-end",
        "over-by-its-id-before-what-begins-alike", "over-by-its-label-before-what-begins-alike", "living-first",
        "label-of-what-is-over",
    ],
)  # fmt: skip
def test_the_best_way_to_fit_decides(name: str, identity: str) -> None:
    assert [thing.identity for thing in fitting(name, THINGS)] == [identity]


@pytest.mark.parametrize("name", ["ap", "019", "eef", "no such", UUID.replace("a", "c")])
def test_what_is_too_short_or_pretends_to_be_an_id_fits_nothing(name: str) -> None:
    assert not fitting(name, THINGS)


def test_what_fits_several_is_told_with_label_id_and_place() -> None:
    found = fitting("0192", [Named(UUID, "api", "devbox"), Named(OTHER, "", "laptop")])

    assert several("0192", found) == f"'0192' fits 2: api ({UUID}) on devbox, ({OTHER}) on laptop"


def test_of_many_only_some_are_told() -> None:
    assert several("aaaa", [Named(f"aaaa{n}") for n in range(6)]).endswith("(aaaa4), …")
