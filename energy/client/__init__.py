"""The client of our own HTTP API, for the command line, the simulators and other people's programs.

```python
from energy.client import Client

with Client("http://127.0.0.1:8080", key) as client:
    for alert in client.alerts(state="active"):
        print(alert["what"]["en"])
```
"""

from energy.client.answers import Event, Json
from energy.client.delivery import Delivery
from energy.client.exports import Exports
from energy.client.figures import Figures
from energy.client.live import Live
from energy.client.people import People
from energy.client.plants import Plants

__all__ = ["Client", "Event", "Json"]


class Client(Plants, Figures, Delivery, Exports, Live, People):
    """Calls an API at `url`/api/v1 with a key, or after `sign_in`; one method for each operation of the API.

    401 and 403 → SetupError, other 4xx → InputError, 5xx, 429 and no answer → OutsideError.
    """
