# SPDX-License-Identifier: Apache-2.0
"""A node that nobody else hears: the test says what comes, sees what is published, and lets timers fire."""

import time
import types

from rclpy.clock import Clock


class StandInTimer:
    """Fires when the test says so, if it runs."""

    def __init__(self, period, callback):
        self.period = period
        self.callback = callback
        self.runs = True

    def cancel(self):
        self.runs = False

    def reset(self):
        self.runs = True

    def fire(self):
        if self.runs:
            self.callback()


class StandInNode:
    """Keeps what is published, by topic, and gives what comes to who subscribed.

    Attributes:
        published: Topic -> messages.
        qos: Topic -> that of its publisher.
        publishers: Topic -> number of publishers, where it is not 1.
        types: Topic -> types of its publishers.
        warnings: What was logged.
    """

    def __init__(self):
        self.published = {}
        self.qos = {}
        self.timers = []
        self.subscriptions = []
        self.publishers = {}
        self.types = {}
        self.warnings = []

    def create_publisher(self, kind, topic, qos):
        messages = self.published[topic] = []
        self.qos[topic] = qos

        def publish(message):
            assert isinstance(message, kind)
            messages.append(message)

        return types.SimpleNamespace(topic=topic, publish=publish)

    create_lifecycle_publisher = create_publisher

    def destroy_publisher(self, publisher):
        del self.qos[publisher.topic]

    destroy_lifecycle_publisher = destroy_publisher

    def create_subscription(self, kind, topic, callback, qos):
        self.subscriptions.append(types.SimpleNamespace(kind=kind, topic=topic, callback=callback, qos=qos))
        return self.subscriptions[-1]

    def destroy_subscription(self, subscription):
        self.subscriptions.remove(subscription)

    def come(self, topic, message, *, ago=0.0, only_to=slice(None)):
        """Let a message come that was sent `ago` seconds ago; the subscriptions of its topic are `only_to` some."""
        info = {'source_timestamp': time.time_ns() - round(ago * 1e9)}
        for subscription in [one for one in self.subscriptions if one.topic == topic][only_to]:
            assert isinstance(message, subscription.kind)
            subscription.callback(message, info)

    @property
    def topics(self):
        """The topics that are subscribed to."""
        return {subscription.topic for subscription in self.subscriptions}

    def create_timer(self, period, callback, clock):
        self.timers.append(StandInTimer(period, callback))
        return self.timers[-1]

    def destroy_timer(self, timer):
        self.timers.remove(timer)

    def count_publishers(self, topic):
        return self.publishers.get(topic, 1)

    def get_publishers_info_by_topic(self, topic):
        return [types.SimpleNamespace(topic_type=name) for name in self.types.get(topic, ())]

    def resolve_topic_name(self, name):
        return name if name.startswith('/') else f'/{name}'

    def get_name(self):
        return 'ser'

    def get_logger(self):
        return types.SimpleNamespace(warning=self.warnings.append)

    def get_clock(self):
        return Clock()
