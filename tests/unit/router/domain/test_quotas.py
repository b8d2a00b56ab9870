"""Which uses of quotas people are told of."""

from router.domain.quotas import MIB, MOST_TOLD, Quota, Quotas, QuotaUse, worth_telling

FEW = Quotas(sessions=10, messages=10, machine_bytes=MIB, all_bytes=8 * MIB)


def test_of_each_the_one_who_has_most_and_all_who_are_near_the_fullest_first() -> None:
    uses = FEW.uses({
        Quota.SESSIONS: {"machine a": 1, "machine b": 8, "machine c": 7, "machine d": 9},
        Quota.MESSAGES: {"machine a": 1, "key k": 2},
        Quota.QUESTIONS: {},
    })  # fmt: skip

    assert [(each.who, each.used) for each in worth_telling(uses)] == [("machine d", 9), ("machine b", 8), ("key k", 2)]


def test_a_key_may_have_more_files_than_a_machine_and_all_more_than_a_key() -> None:
    uses = FEW.uses({Quota.FILES: {"machine a": 1, "key k": 1}, Quota.ALL_FILES: {"": 2}})

    assert [each.limit for each in uses] == [MIB, 4 * MIB, 8 * MIB]


def test_of_a_crowd_not_all_are_told() -> None:
    crowd = [QuotaUse(Quota.SESSIONS, f"machine {number}", 10, 10) for number in range(2 * MOST_TOLD)]

    assert len(worth_telling(crowd)) == MOST_TOLD
