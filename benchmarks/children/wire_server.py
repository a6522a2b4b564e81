"""Answer every request with a recorded wire, at its pace. Arguments: the wire, seconds it takes."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nCache-Control: no-store\r\n"
    b"Connection: close\r\n\r\n"
)


async def main(lines: list[bytes], seconds: float) -> None:
    pause = seconds / len(lines)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if pause:
            writer.write(HEAD)
            for line in lines:
                writer.write(line)
                await asyncio.sleep(pause)
        else:
            writer.write(HEAD + b"".join(lines))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    asyncio.get_running_loop().run_in_executor(None, sys.stdin.read).add_done_callback(
        lambda _: server.close()
    )
    await server.wait_closed()


if __name__ == "__main__":
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(main(Path(sys.argv[1]).read_bytes().splitlines(True), float(sys.argv[2])))
