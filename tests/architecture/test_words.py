"""Every file and folder is named in the field's language or in a word of the dictionary in docs/architecture.md."""

import re
import subprocess

from tests.architecture.source import PACKAGES, ROOT

FIELD = set((ROOT / "tests/architecture/field_words.txt").read_text().split())
"""Words that anyone who writes servers, chat bots or terminal programs knows and would search for."""


def test_every_name_is_a_word_of_the_field_or_of_the_dictionary() -> None:
    known = {_one(word) for word in FIELD} | {_one(word) for term in _dictionary() for word in term.split()}

    unknown = {f"{word} in {path}" for path, words in _names().items() for word in words if word not in known}

    assert not unknown, "use the field's words (field_words.txt here), or explain the word in docs/architecture.md"


def test_every_word_of_the_dictionary_is_used() -> None:
    """In a name, or in the protocol."""
    protocol = "".join(path.read_text() for path in sorted((ROOT / "protos/agentlink").rglob("*.proto")))
    spoken = {_one(word.lower()) for word in re.findall(r"[A-Z]?[a-z]+", protocol)}
    used = spoken | {word for words in _names().values() for word in words}

    assert not {term for term in _dictionary() if not all(_one(word) in used for word in term.split())}


def test_every_word_of_the_field_is_used_and_in_one_list_alone() -> None:
    used = {word for words in _names().values() for word in words}

    assert not {word for word in FIELD if _one(word) not in used}
    assert not FIELD & set(_dictionary())


def _dictionary() -> list[str]:
    section = (ROOT / "docs/architecture.md").read_text().partition("\n## Words\n")[2].partition("\n## ")[0]
    return re.findall(r"^- \*\*([a-z ]+)\*\*: ", section, re.MULTILINE)


def _names() -> dict[str, tuple[str, ...]]:
    """The words in the path of each file of the product, in the singular; migrations are named by what they changed."""
    shown = ["git", "ls-files", *PACKAGES, "protos/agentlink"]
    files = subprocess.run(shown, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    paths = [path for path in files if "/migrations/m" not in path]
    bare = {path: path.rpartition(".")[0].removesuffix("__init__") for path in paths}
    return {path: tuple(map(_one, re.findall(r"[a-z0-9]+", name))) for path, name in bare.items()}


def _one(word: str) -> str:
    """Singular and plural are one word."""
    if word.endswith("ies"):
        return word.removesuffix("ies") + "y"
    if word.endswith("ss"):
        return word
    return word.removesuffix("es") if word.endswith(("sses", "ches")) else word.removesuffix("s")
