"""Figures in Prometheus' text format: the adapter's own, and the router's as it tells them."""

import functools
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from pointsman.client.errors import RouterError
from pointsman.client.records import Stats
from webhook_adapter.transports.lifecycle import Event, Handled, Hook


class Metrics(Hook):
    """The adapter's own figures. What comes in it counts as a hook."""

    def __init__(self, submissions_waiting: Callable[[], int]) -> None:
        # Not the one of the process: an application that is made twice, as in tests, would count twice.
        self._registry = CollectorRegistry()
        self._updates = Counter(
            "pointsman_updates",
            "Updates that came in, by what became of them",
            ["transport", "outcome"],
            registry=self._registry,
        )

        # Asked for by its labels, a figure is looked up anew behind a lock.
        self._of = functools.cache(self._updates.labels)
        waiting = "Submissions on their way to the router's disk"
        # Read when asked, so nothing on the way of a submission has to keep it.
        Gauge("pointsman_submissions_waiting", waiting, registry=self._registry).set_function(submissions_waiting)

    def after(self, event: Event, handled: Handled) -> None:
        self._of(event.transport, handled.outcome.value).inc()

    def failed(self, event: Event, error: Exception) -> None:
        self._of(event.transport, "unavailable" if isinstance(error, RouterError) else "failed").inc()

    def text(self, stats: Stats | None) -> bytes:
        """All figures; without the router's where it could not be asked."""
        return generate_latest(self._registry) + generate_latest(_Figures(stats))


class _Figures(CollectorRegistry):
    """The router's figures, for one answer."""

    def __init__(self, stats: Stats | None) -> None:
        super().__init__()
        self._stats = stats

    def collect(self) -> Iterator[Metric]:
        # Of a router that is away nothing else is told: an old figure looks like a live one.
        yield GaugeMetricFamily("pointsman_router_up", "The router answers", value=self._stats is not None)
        if self._stats is not None:
            yield from _states(self._stats)
            yield from _levels(self._stats)
            yield from _totals(self._stats)


def _states(stats: Stats) -> Iterator[Metric]:
    commands = GaugeMetricFamily(
        "pointsman_commands", "Commands that have not ended, and dead letters", labels=["state"]
    )
    for state, count in sorted(stats.commands.items()):
        commands.add_metric([state], count)
    notifications = GaugeMetricFamily(
        "pointsman_notifications", "Notifications on their way, and those that did not arrive", labels=["state"]
    )
    for state, count in sorted(stats.notifications.items()):
        notifications.add_metric([state], count)
    version = GaugeMetricFamily("pointsman_router_info", "The router's version", labels=["version"])
    version.add_metric([stats.version], 1)
    yield from (commands, notifications, version)


def _levels(stats: Stats) -> Iterator[Metric]:
    age = "Age of the oldest command that has not ended"
    yield GaugeMetricFamily("pointsman_oldest_command_age_seconds", age, value=stats.oldest_command_age)
    yield GaugeMetricFamily("pointsman_agent_links", "Agents that are connected", value=stats.agent_links)
    yield GaugeMetricFamily("pointsman_chat_links", "Couriers that are connected", value=stats.chat_links)
    slow = "99th percentile of the last 1,000 commits"
    yield GaugeMetricFamily("pointsman_commit_p99_seconds", slow, value=stats.commit_p99)
    yield GaugeMetricFamily("pointsman_wal_bytes", "Size of the write-ahead log", value=stats.wal_bytes)
    yield GaugeMetricFamily("pointsman_writable", "The router can write its database", value=stats.writable)
    yield GaugeMetricFamily("pointsman_router_uptime_seconds", "Since the router's start", value=stats.uptime)


def _totals(stats: Stats) -> Iterator[Metric]:
    yield CounterMetricFamily("pointsman_commits", "Group commits since the router's start", value=stats.commits)
    yield CounterMetricFamily("pointsman_resends", "Commands sent more than once", value=stats.resends)
