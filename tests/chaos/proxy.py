"""The way from the machines to PostgreSQL. Cutting it is what "the database is gone" means here."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

CHUNK_BYTES = 1 << 16


class Proxy:
    """Forwards 127.0.0.1:port to a server. Its methods may be called from any thread."""

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        self.dropped = 0
        self._server = (host, port)
        self._is_cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="proxy", daemon=True).start()
        self._ready.wait()

    def cut(self) -> None:
        """Drop every connection, and from now on every new one at once."""
        self._is_cut = True
        self.drop()

    def restore(self) -> None:
        self._is_cut = False

    def drop(self) -> None:
        """Drop every connection; new ones are welcome."""
        self._loop.call_soon_threadsafe(self._abort_all)

    def _run(self) -> None:
        self._loop.run_until_complete(self._listen())
        self._loop.run_forever()

    async def _listen(self) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            with suppress(OSError):
                there, back = await asyncio.open_connection(*self._server)
                self._writers.add(back)
                await asyncio.gather(_copy(reader, back), _copy(there, writer))
                self._writers.discard(back)
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    def _abort_all(self) -> None:
        self.dropped += len(self._writers) // 2
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    writer.close()
