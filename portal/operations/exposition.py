"""The measures in Prometheus' text format, under names that begin with `vigil_`."""

from collections.abc import Iterator, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from portal.operations.measures import HubMeasures, StreamMeasures
from realtime.tally import BOUNDS, Spread


def written(hub: HubMeasures | None, stream: StreamMeasures | None) -> tuple[bytes, str]:
    """The text and its content type."""
    # A registry for each answer: what is counted is kept in the tally and nowhere else.
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Measured(hub, stream))
    return generate_latest(registry), CONTENT_TYPE_LATEST


class _Measured(Collector):
    def __init__(self, hub: HubMeasures | None, stream: StreamMeasures | None) -> None:
        self.hub, self.stream = hub, stream

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("vigil_hub_up", "Whether the hub answers.", self.hub is not None)
        if self.hub is not None:
            yield from _of_hub(self.hub)
        up = self.stream is not None
        yield GaugeMetricFamily("vigil_stream_up", "Whether the log can be asked.", up)
        if self.stream is not None:
            yield from _of_stream(self.stream)


def _of_hub(hub: HubMeasures) -> Iterator[Metric]:
    totals = hub.totals
    yield GaugeMetricFamily("vigil_sockets", "Sockets open now.", hub.sockets)
    yield _labelled(
        GaugeMetricFamily(
            "vigil_organization_sockets", "Sockets open now.", labels=["organization"]
        ),
        hub.by_organization,
    )
    yield GaugeMetricFamily("vigil_channels", "Channels joined now.", hub.channels)
    yield GaugeMetricFamily("vigil_unsent_bytes", "What waits for slow peers.", hub.unsent_bytes)
    yield GaugeMetricFamily("vigil_hub_position", "Where the hub stands.", hub.position)
    yield GaugeMetricFamily("vigil_hub_fresh", "Whether it has everything.", hub.is_fresh)
    yield GaugeMetricFamily("vigil_bus_up", "Whether the bus answers.", not hub.bus_is_down)
    for name, text, value in (
        ("sockets_opened", "Handshakes that were accepted.", totals.opened),
        ("joins", "Channels that went live.", totals.joined),
        ("frames_received", "Frames from peers.", totals.received),
        ("frames_sent", "Frames to peers.", totals.sent),
        ("events", "Changes handed to the sockets.", totals.events),
        ("bus_renewed", "How often it began to listen to the bus anew.", hub.bus_renewed),
        ("bus_not_ours", "Messages on the bus that are not ours.", totals.not_ours),
        ("pages_turned_away", "Pages that got no turn.", totals.pages_turned_away),
        ("watched_seconds", "Seconds with sockets open.", totals.watched),
        ("fresh_seconds", "Those in which the hub had everything.", totals.fresh),
        ("socket_seconds", "Sockets times seconds.", totals.socket_seconds),
    ):
        yield CounterMetricFamily(f"vigil_{name}", text, value)
    yield _labelled(
        CounterMetricFamily("vigil_handshakes_refused", "By status.", labels=["status"]),
        totals.turned_away,
    )
    yield _labelled(
        CounterMetricFamily("vigil_polls", "By status.", labels=["status"]), totals.polls
    )
    yield _labelled(
        CounterMetricFamily("vigil_joins_refused", "By reason.", labels=["reason"]), totals.refused
    )
    yield _labelled(
        CounterMetricFamily("vigil_sockets_closed", "By close code.", labels=["code"]),
        totals.closed,
    )
    yield _spread("vigil_delivery_seconds", "From a change to the sockets.", totals.delivery)
    yield _spread("vigil_opening_seconds", "Of a handshake.", totals.opening)


def _of_stream(stream: StreamMeasures) -> Iterator[Metric]:
    beat = float("inf") if stream.beat_age is None else stream.beat_age
    for name, text, value in (
        ("relay_beat_age_seconds", "Since the leading relay's last sign of life.", beat),
        ("relay_epoch", "How often the lead was taken.", stream.epoch),
        ("log_position", "The newest position of the log.", stream.last_seq),
        ("inbox_changes", "Changes without a position yet.", stream.waiting),
        ("inbox_oldest_seconds", "How long the oldest waits.", stream.oldest_waiting),
        ("dead_letters", "Changes that the log refused.", stream.dead_letters),
        ("notify_queue_ratio", "How full the notify queue is.", stream.notify_queue),
        ("untold_alarms", "Alarms of the auditor that nobody was told of.", stream.untold_alarms),
        ("audit_deviations", "What of the audit log does not verify.", stream.audit_deviations),
        (
            "audit_unsealed_seconds",
            "How long its oldest waits to be sealed.",
            stream.oldest_unsealed,
        ),
    ):
        yield GaugeMetricFamily(f"vigil_{name}", text, value)


def _labelled(
    family: GaugeMetricFamily | CounterMetricFamily, values: Mapping[str, int] | Mapping[int, int]
) -> Metric:
    for label, value in sorted(values.items()):
        family.add_metric([str(label)], value)
    return family


def _spread(name: str, text: str, spread: Spread) -> Metric:
    buckets, reached = [], 0
    for bound, count in zip([*BOUNDS, "+Inf"], spread.counts, strict=True):
        reached += count
        buckets.append((str(bound), float(reached)))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=spread.seconds)
