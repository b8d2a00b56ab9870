"""What the router and the adapter take for a secret is what agents do."""

import pytest

from agent.domain import masks as of_agents
from router.domain import masks
from router.domain.masks import secret_in
from webhook_adapter import masks as of_adapters


def test_the_rules_are_those_of_agents() -> None:
    assert (masks.SHIPPED, masks.SIGNS) == (of_agents.SHIPPED, of_agents.SIGNS)
    assert (of_adapters.SHIPPED, of_adapters.SIGNS) == (of_agents.SHIPPED, of_agents.SIGNS)


@pytest.mark.parametrize(
    ("text", "looks_like"),
    [
        ("AKIA" + "A" * 16, "AWS key"),
        ("https://ada:hunter2@example.org", "password"),
        ("token: string", ""),
        ("deploys run at night", ""),
    ],
)
def test_what_a_text_has(text: str, looks_like: str) -> None:
    assert secret_in(text) == looks_like
