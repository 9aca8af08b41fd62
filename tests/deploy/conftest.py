"""One system without a demo feed, for the tests that leave it as it is."""

from collections.abc import Iterator

import pytest

from tests.system import System, running_system


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A running `up --no-demo` with a plant and a data centre registered, that nothing was sent to.

    Its data directory has a name that a URL or a shell would trip over.
    """
    with running_system(tmp_path_factory.mktemp("up") / "数据 a?b#c%41", "--no-demo") as system:
        client = system.client
        client.put_site("steel-1", {"name_zh": "钢厂", "name_en": 'Steel, "works"'})
        client.put_meter("steel-1", "incomer", {"name_zh": "总进线"})
        client.put_site("dc-1", {"kind": "data_centre", "boundary": {"facility": ["dc"], "it": ["it"]}})
        for meter in ("dc", "it"):
            client.put_meter("dc-1", meter, {})
        yield system
