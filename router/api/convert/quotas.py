"""Quotas."""

from agentlink.v1 import control_pb2 as pb

from router.domain.quotas import Quota, QuotaUse

_QUOTAS = {quota: pb.Quota.Value(f"QUOTA_{quota.name}") for quota in Quota}


def quota_use(use: QuotaUse) -> pb.QuotaUse:
    return pb.QuotaUse(quota=_QUOTAS[use.quota], who=use.who, used=use.used, limit=use.limit)
