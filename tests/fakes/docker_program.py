"""A stand-in for docker and podman that refuses what they refuse, and knows no more than what our provider says."""

from collections.abc import Callable, Sequence

from pointsman.providers.program import Result
from pointsman.providers.provider import Unsure

_ONCE = {"--name", "--entrypoint"}


class Docker:
    """`lose` and `fail`: what becomes of the next call with that word, before it does anything or after it has."""

    def __init__(self) -> None:
        self.containers: dict[str, dict[str, str]] = {}
        self.volumes: set[str] = set()
        self.said: list[list[str]] = []
        self.lose: set[str] = set()
        self.fail: dict[str, str] = {}
        self.before: dict[str, Callable[[], object]] = {}

    def __call__(self, argv: Sequence[str], patience: float, given: str = "") -> Result:
        """As `run` of the provider."""
        assert not given
        _, word, *rest = argv
        self.said.append([word, *rest])
        if before := self.before.pop(word, None):
            before()
        if why := self.fail.pop(word, ""):
            return Result(125, "", why)
        code, words = getattr(self, f"_{word}")(rest)
        if word in self.lose:
            self.lose.remove(word)
            raise Unsure(f"docker {word} did not end within {patience:.0f} s")
        return Result(code, words if code == 0 else "", words if code else "")

    def _run(self, words: list[str]) -> tuple[int, str]:
        name = words[words.index("--name") + 1]
        labels = [words[at + 1] for at, word in enumerate(words) if word == "--label"]
        label, owner = labels[0], "".join(each.partition("=")[2] for each in labels[1:])
        assert all(words.count(each) == 1 for each in _ONCE)
        if name in self.containers:
            return 125, f'docker: Error response from daemon: Conflict. The container name "/{name}" is already in use'
        volume, _, _ = words[words.index("--volume") + 1].partition(":")
        self.volumes.add(volume)
        self.containers[name] = {"label": label, "owner": owner, "state": "running", "volume": volume}
        return 0, "0123456789ab\n"

    def _start(self, words: list[str]) -> tuple[int, str]:
        return self._became(words[-1], "running")

    def _stop(self, words: list[str]) -> tuple[int, str]:
        assert words[0] == "-t"
        return self._became(words[-1], "exited")

    def _became(self, name: str, state: str) -> tuple[int, str]:
        if name not in self.containers:
            return 1, f"Error response from daemon: No such container: {name}"
        self.containers[name]["state"] = state
        return 0, f"{name}\n"

    def _rm(self, words: list[str]) -> tuple[int, str]:
        name = words[-1].removeprefix("id-")
        if words[0] != "--force" and self.containers.get(name, {}).get("state") == "running":
            return 1, f"Error response from daemon: cannot remove container {name!r}: container is running"
        return (0, name) if self.containers.pop(name, None) else (1, f"No such container: {name}")

    def _volume(self, words: list[str]) -> tuple[int, str]:
        if words[0] == "ls":
            return 0, "\n".join(sorted(self.volumes))
        assert words[0] == "rm"
        if words[1] not in self.volumes:
            return 1, f"Error response from daemon: get {words[1]}: no such volume"
        if any(each["volume"] == words[1] for each in self.containers.values()):
            return 1, f"Error response from daemon: remove {words[1]}: volume is in use"
        self.volumes.remove(words[1])
        return 0, words[1]

    def _inspect(self, words: list[str]) -> tuple[int, str]:
        name = words[-1].removeprefix("id-")
        if name not in self.containers:
            return 1, f"Error response from daemon: No such container: {name}"
        found = self.containers[name]
        if "{{.Id}}" in words[words.index("--format") + 1]:
            started = found.get("started", "2026-11-30T07:00:00.5Z")
            told = (f"id-{name}", found["label"].partition("=")[2], found.get("owner", ""), found["state"], started)
            return 0, "\t".join((*told, found.get("created", ""))) + "\n"
        return 0, f"/{name}\t{found['label'].partition('=')[2]}\t{found['state']}\n"

    def _ps(self, words: list[str]) -> tuple[int, str]:
        assert "--all" in words  # else those that are stopped are missing
        wanted = words[words.index("--filter") + 1].removeprefix("label=")
        before = "id-" if words[-1] == "{{.ID}}" else ""
        named = [name for name, each in self.containers.items() if each["label"].startswith(f"{wanted}=")]
        return 0, "\n".join(before + name for name in named)
