"""Requests that no browser makes: each is answered with what is wrong with it, and none leaves a trace in the log."""

import asyncio
import re

import pytest

from bot.delivery.preview import serve

B = b"\r\n"
CHUNKED = (
    b"POST /command HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n"
)


def post(body: bytes, kind: bytes, extra: bytes = b"") -> bytes:
    """A command as it would be sent, but for its body or a header."""
    head = [b"POST /command HTTP/1.1", b"Host: 127.0.0.1", b"Content-Type: " + kind]
    more = [extra.removesuffix(B)] if extra else []
    return B.join([*head, b"Content-Length: %d" % len(body), *more, b"", body])


KINDS = {
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n",
    "version": b"GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
    "nohost": b"GET / HTTP/1.1\r\n\r\n",
    "bracket": b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
    "twohosts": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil\r\n\r\n",
    "nul": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\x00b\r\n\r\n",
    "longheader": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 20000 + b"\r\n\r\n",
    "longline": b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "neglen": b"POST /command HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n",
    "lenandchunk": b"POST /command HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "badchunk": CHUNKED,
    "charset": post(b"line=/skew", b"application/x-www-form-urlencoded; charset=klingon"),
    "utf8": post(b"line=\xff\xfe", b"application/x-www-form-urlencoded; charset=utf-8"),
    "utf16": post(b"line=\xff", b"application/x-www-form-urlencoded; charset=utf-16"),
    "noboundary": post(b"xx", b"multipart/form-data"),
    "boundary": post(
        b'--xx\r\nContent-Disposition: form-data; name="line"; filename="a"\r\n\r\nq',
        b"multipart/form-data; boundary=xx",
    ),
    "mpheader": post(b"--xx\r\n\xff\xff\r\n\r\nq\r\n--xx--", b"multipart/form-data; boundary=xx"),
    "gzip": post(b"line=x", b"application/x-www-form-urlencoded", b"Content-Encoding: gzip\r\n"),
    "br": post(b"line=x", b"application/x-www-form-urlencoded", b"Content-Encoding: br\r\n"),
    "expect": post(b"line=x", b"application/x-www-form-urlencoded", b"Expect: tea\r\n"),
    "large": post(b"line=" + b"x" * 100000, b"application/x-www-form-urlencoded"),
    "dots": b"GET /static/../../page.py HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "percent": b"GET /static/%00%ff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "pct2": b"GET /%zz?at=%ff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "method": b"BREW / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "origin": post(b"line=x", b"application/x-www-form-urlencoded", b"Origin: http://[\r\n"),
    "cte": post(b"line=x", b'application/x-www-form-urlencoded;charset="\x80'),
    "json": post(b"[", b"application/json"),
    "absolute": b"GET http://[::1/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "connect": b"CONNECT x:y HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
}


@pytest.mark.parametrize("request_sent", [pytest.param(sent, id=name) for name, sent in KINDS.items()])
async def test_a_malformed_request_is_answered_with_4xx_and_leaves_no_trace(
    request_sent, market, preview, capsys, caplog
):
    async with serve(market, market.cards, preview, port=0) as address:
        port = int(address.rstrip("/").rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request_sent)
        await writer.drain()
        status = await asyncio.wait_for(reader.readline(), 10)
        rest = await asyncio.wait_for(reader.read(2000), 10)
        writer.close()
    assert re.match(rb"HTTP/1\.[01] 4\d\d ", status), status
    said = capsys.readouterr()
    told = said.out + said.err + caplog.text + rest.decode("latin-1")
    assert "Traceback" not in told
    assert "page.failed" not in told
