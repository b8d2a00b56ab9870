"""What providers.toml may say; what it does not understand it refuses."""

import pytest

from pointsman.providers.pool import LARGEST, Pool, read

BOX = '[machines.box]\nprovider = "docker"\nimage = "a/b:1"\n'
WHOLE = (
    'router = "router.example.org:7443"\nmost_up = 2\nstarts_an_hour = 4\nidle_minutes = 20\n'
    + BOX
    + 'environ = { POINTSMAN_START_FOLDERS = "~/src" }\n'
    '[machines."acme/far"]\nprovider = "ssh"\nhost = "me@far"\nhost_key = "ssh-ed25519 AAAA"\nfolder = "x"\n'
    "port = 2222\n"
    '[machines.cloud]\nprovider = "fly"\napp = "acme"\nimage = "a/b:1"\nregions = ["ams"]\n'
)


def test_what_it_says_is_read() -> None:
    pool = read(WHOLE)

    assert (pool.router, pool.most_up, pool.starts_an_hour, pool.idle) == ("router.example.org:7443", 2, 4, 1200.0)
    assert {key: each.kind for key, each in pool.machines.items()} == {
        "box": "docker",
        "acme/far": "ssh",
        "cloud": "fly",
    }
    assert pool.machines["acme/far"].more["port"] == 2222
    assert pool.machines["box"].wanted("t", "r:1").environ == {
        "POINTSMAN_ROUTER": "r:1", "POINTSMAN_MACHINE_ID": "box", "POINTSMAN_START_FOLDERS": "~/src",
    }  # fmt: skip
    assert read("") == Pool()


WRONG = {
    "no toml": ("[[", "Expected|Invalid|At|at"),
    "an unknown word": ("most = 1", "most"),
    "an unknown provider": ('[machines.a]\nprovider = "ec2"', "local, ssh"),
    "no image": ('[machines.a]\nprovider = "docker"', "needs image"),
    "an unknown key": (f'{BOX}folder = "x"', "has no folder"),
    "an option for an image": ('[machines.a]\nprovider = "docker"\nimage = "--privileged"', "no image"),
    "an option for a name": ('[machines."-a"]\nprovider = "docker"\nimage = "a"', "letters"),
    "another name": ('[machines."a#1"]\nprovider = "docker"\nimage = "a"', "name"),
    "a number as text": ('most_up = "3"', "number"),
    "too many up": ("most_up = 51", "50"),
    "no bound": ("starts_an_hour = 0", "number"),
    "a variable": (f"{BOX}environ = {{ ld_preload = '/x' }}", "cannot be given"),
    "a list as text": (f"{BOX}environ = {{ A = ['x'] }}", "texts"),
    "no regions": ('[machines.a]\nprovider = "fly"\nimage = "a"\napp = "b"\nregions = []', "regions"),
    "too long": ("#" * (LARGEST + 1), "KiB"),
    "too many": ("".join(f'[machines.m{n}]\nprovider = "docker"\nimage = "a"\n' for n in range(51)), "50 machines"),
}


@pytest.mark.parametrize(("text", "why"), WRONG.values(), ids=WRONG)
def test_what_it_does_not_understand_it_refuses(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(text)
