"""How much a chat may ask of models in a day."""

from msgspec import Struct

from router.domain.errors import Reason, Refusal


class Daily(Struct, frozen=True):
    """What the settings allow."""

    requests: int = 100
    output_tokens: int = 100_000


FEW = Daily()


class Use(Struct, frozen=True):
    """What was asked so far, of one day."""

    day: int = 0  # since 1970
    requests: int = 0
    output_tokens: int = 0

    def on(self, day: int) -> "Use":
        """What counts on a day: nothing of another one."""
        return self if self.day == day else Use(day)

    def asked(self, daily: Daily) -> "Use":
        """With one more. Raises Refusal where that is too much."""
        if self.output_tokens >= daily.output_tokens:
            raise Refusal(Reason.QUICK_SPENT, _SPENT.format(much=f"answers of {daily.output_tokens} tokens"))
        if self.requests >= daily.requests:
            raise Refusal(Reason.QUICK_SPENT, _SPENT.format(much=f"{daily.requests} questions"))
        return Use(self.day, self.requests + 1, self.output_tokens)

    def answered(self, tokens: int) -> "Use":
        """With what an answer took."""
        return Use(self.day, self.requests, self.output_tokens + tokens)


_SPENT = (
    "Today's {much} are used up here; from midnight on there are new ones. Coding agents answer all the same: /new."
    " POINTSMAN_QUICK_DAILY says how many there are."
)
