"""Contract suite of the Broker port: `class TestX(BrokerContract)` with fixtures `broker` and `topic`."""

from collections.abc import Sequence

from shared.framework.messaging.port import Broker, Delivery, Message, Subscriber

WAIT_S = 0.2
POLLS_MAX = 100


def message(topic: str, number: int, *, partition: int = 0, value: bytes = b"") -> Message:
    """A message whose key has this number."""
    headers = (("ce_type", b"sample.v1"), ("position", str(number).encode()))
    return Message(topic, partition, f"key-{number}".encode(), value or f"value-{number}".encode(), headers)


async def received(subscriber: Subscriber, count: int, *, limit: int = 500) -> Sequence[Delivery]:
    """Poll until `count` messages have been received, or POLLS_MAX times."""
    found: list[Delivery] = []
    for _ in range(POLLS_MAX):
        if len(found) >= count:
            break
        found.extend(await subscriber.poll(limit, WAIT_S))
    return found


class BrokerContract:
    """Tests with one writer, several readers and four partitions."""

    async def test_a_message_arrives_as_it_was_sent(self, broker: Broker, topic: str) -> None:
        """Key, bytes and headers are carried unchanged, empty values and zero bytes too."""
        sent = message(topic, 1, partition=2, value=b"\x00\xff\x28\xb5\x2f\xfd")
        await send(broker, [sent])
        subscriber = await broker.subscriber({(topic, 2): None})
        [got] = await received(subscriber, 1)
        await subscriber.close()
        assert (got.topic, got.partition) == (topic, 2)
        assert (got.key, got.value, tuple(got.headers)) == (sent.key, sent.value, sent.headers)

    async def test_order_holds_within_a_partition(self, broker: Broker, topic: str) -> None:
        """Batches follow one another, and offsets rise with them."""
        for start in range(0, 300, 100):
            await send(broker, [message(topic, number) for number in range(start, start + 100)])
        subscriber = await broker.subscriber({(topic, 0): None})
        got = await received(subscriber, 300)
        await subscriber.close()
        assert [delivery.key for delivery in got] == [f"key-{number}".encode() for number in range(300)]
        offsets = [delivery.offset for delivery in got]
        assert offsets == sorted(set(offsets))

    async def test_reading_goes_on_from_an_offset(self, broker: Broker, topic: str) -> None:
        """A new reader starts with the first message after the stored offset."""
        await send(broker, [message(topic, number) for number in range(10)])
        first = await broker.subscriber({(topic, 0): None})
        seen = await received(first, 10)
        await first.close()
        second = await broker.subscriber({(topic, 0): seen[6].offset + 1})
        assert [delivery.key for delivery in await received(second, 3)] == [b"key-7", b"key-8", b"key-9"]
        await second.close()

    async def test_partitions_are_heard_apart(self, broker: Broker, topic: str) -> None:
        """A reader of some partitions receives nothing of the others."""
        await send(broker, [message(topic, number, partition=number % 4) for number in range(40)])
        subscriber = await broker.subscriber({(topic, 1): None, (topic, 3): None})
        got = await received(subscriber, 20)
        await subscriber.close()
        assert len(got) == 20
        assert {delivery.partition for delivery in got} == {1, 3}

    async def test_what_is_sent_later_is_heard_by_who_listens(self, broker: Broker, topic: str) -> None:
        """A reader at the end of its partition receives later messages."""
        subscriber = await broker.subscriber({(topic, 0): None})
        assert await subscriber.poll(10, WAIT_S) == []
        await send(broker, [message(topic, 1)])
        assert [delivery.key for delivery in await received(subscriber, 1)] == [b"key-1"]
        await subscriber.close()

    async def test_a_poll_gives_no_more_than_was_asked(self, broker: Broker, topic: str) -> None:
        """And the rest comes with the next polls."""
        await send(broker, [message(topic, number) for number in range(25)])
        subscriber = await broker.subscriber({(topic, 0): None})
        pages: list[int] = []
        while sum(pages) < 25:
            pages.append(len(await received(subscriber, 1, limit=10)))
        await subscriber.close()
        assert max(pages) <= 10

    async def test_large_messages_pass(self, broker: Broker, topic: str) -> None:
        """Up to 900 kB, the limit of the relay."""
        await send(broker, [message(topic, 1, value=b"x" * 900_000)])
        subscriber = await broker.subscriber({(topic, 0): None})
        [got] = await received(subscriber, 1)
        await subscriber.close()
        assert len(got.value) == 900_000

    async def test_a_broker_says_who_it_is(self, broker: Broker, topic: str) -> None:
        """The cluster id is constant."""
        assert await broker.cluster_id() == await broker.cluster_id() != ""


async def send(broker: Broker, messages: Sequence[Message]) -> None:
    """Send a batch with a new producer."""
    producer = await broker.producer()
    await producer.send_batch(messages)
    await producer.close()
