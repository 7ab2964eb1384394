"""Scheduled digests as YAML: the same after a round trip, and mistakes are named."""

import pytest

from tests.trail.notifications.conftest import hook
from trail.attention import digest_schedules, digest_yaml
from trail.core.errors import InputError
from trail.storage.duckdb import Store


def test_yaml_round_trips_and_names_mistakes(store: Store) -> None:
    number = hook(store, "https://hooks.example.com/a").destination_id
    text = (
        "digests:\n- {name: Team, destination: HOOK, weekday: friday, hour: 16, zone: Asia/Tokyo}\n"
    )

    def load(given: str) -> dict[str, int]:
        return store.write(lambda cursor: digest_yaml.import_schedules(cursor, given, "maya"))

    assert load(text) == {"new": 1, "changed": 0, "same": 0}
    schedules = digest_schedules.list_all(store)
    assert (schedules[0].weekday, schedules[0].hour) == (4, 16)
    exported = digest_yaml.export(schedules, {number: "hook"})
    assert load(exported) == {"new": 0, "changed": 0, "same": 1}
    assert load(exported.replace("weekly", "daily")) == {"new": 0, "changed": 1, "same": 0}
    assert load(digest_yaml.export(digest_schedules.list_all(store), {number: "hook"})) == {
        "new": 0,
        "changed": 0,
        "same": 1,
    }
    for bad, words in (
        ("[", "not valid YAML"),
        ("rules: []", "list of digests is missing"),
        ("digests: [{name: a, destination: nowhere}]", "unknown destination 'nowhere'"),
        ("digests: [{name: a, destination: hook, color: red}]", "unknown entry 'color'"),
        ("digests: [{name: a, destination: hook, hour: '8'}]", "hour must be a whole number"),
        ("digests: [{name: a, destination: hook, weekday: someday}]", "weekday is 'someday'"),
        ("digests: [{name: b, destination: hook}, {name: a, destination: hook, hour: 99}]", "hour"),
    ):
        with pytest.raises(InputError, match=words):
            load(bad)
    assert [item.name for item in digest_schedules.list_all(store)] == ["Team"], "all or none"
