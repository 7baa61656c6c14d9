"""A task is killed at every event and resumed: what it did, and what is recorded, is as if it was not killed."""

from __future__ import annotations

import pytest

from tests.agent_task import Killed, Library, NewTask


def test_task_killed_at_each_event_and_resumed_has_the_events_of_one_that_was_not(new_task: NewTask) -> None:
    whole = new_task(Library().catalog, "When are the keys rotated?")
    expected = whole.run()
    for event in range(2, len(whole.events) + 1):
        task = new_task(Library().catalog, "When are the keys rotated?")
        with pytest.raises(Killed):
            task.run(kill_at=event)
        assert task.session.state == "interrupted"
        assert task.run().report == expected.report, event
        assert task.events == whole.events, event
