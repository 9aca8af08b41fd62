"""The least that an API can do: one FastAPI route under the settings of our server, to measure ours against."""

import asyncio
import sys

from fastapi import FastAPI

from deploy.listen import Server

ANSWER: dict[str, object] = {"items": [{"id": "steel-1", "name_zh": "钢厂", "name_en": "Steel works"}], "next": None}


def app() -> FastAPI:
    """One route that is answered in a thread, as ours are, and does nothing there."""
    made = FastAPI()
    made.state.stopping = asyncio.Event()

    @made.get("/bare")
    def bare() -> dict[str, object]:
        return ANSWER

    return made


if __name__ == "__main__":
    Server(app(), "127.0.0.1", int(sys.argv[1])).run()
