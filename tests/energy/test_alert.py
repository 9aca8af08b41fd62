"""Alerts move forward only, and a person's action that makes no sense is refused."""

import pytest

from energy.alert import Action, State, move
from energy.errors import InputError

ALLOWED = {
    (State.ACTIVE, Action.ACKNOWLEDGE): State.ACKNOWLEDGED,
    (State.ACTIVE, Action.RESOLVE): State.RESOLVED,
    (State.ACKNOWLEDGED, Action.RESOLVE): State.RESOLVED,
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("action", Action)
def test_every_state_and_action(state: State, action: Action) -> None:
    if (state, action) in ALLOWED:
        assert move(state, action) is ALLOWED[state, action]
        return
    with pytest.raises(InputError, match=f"{state.value}.*{action.value}") as caught:
        move(state, action)
    assert caught.value.reason == "bad_transition"
