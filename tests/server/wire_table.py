"""What clients make of each fault on the wire: asked of real clients, written down in docs/wire-faults.md.

``python -m tests.server.wire_table`` writes the page anew. A client that this machine lacks is left out of the
measurement; then the page is not written.
"""

import asyncio
import contextlib
import json
import logging
import os
import re
import shutil
import ssl
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import aiohttp
import httpx
import requests
import trustme

PAGE = Path(__file__).parents[2] / "docs" / "wire-faults.md"
PATIENCE = 1.0  # seconds that each client waits, where the page says that it comes to waiting
_LONG_PATIENCE = 20.0  # and elsewhere, where a busy machine must not make it do so
logging.getLogger("urllib3").setLevel(logging.ERROR)  # it warns of the heads that it makes do with
_CLOSING = 0.05  # seconds that aiohttp's client takes to let go of a connection
HEAD = """# What clients make of faults on the wire

Each fault strikes `GET /Users/u-1`, and the client has a time-out of one second: curl's `--max-time`, httpx's and
requests' `timeout`, aiohttp's `ClientTimeout(total=)`, Node's `AbortSignal.timeout`. Then it parses the body as JSON.
The cell says what it raises; **ok** means that the client never noticed. curl has exit codes, here with their names,
and parses nothing: *no JSON* stands for a body that is none. Where several are named, it depends on what comes first.
`exit 13` is Node's own: the promise of its fetch is never settled, and a process with nothing else to do ends.

Three things to take from it. A time-out for each read is none for the whole answer (`drip`). One error stands for a
request that never came and for one that was carried out: after any of them a write is in doubt.
And clients differ in what they take for good: a byte order mark, two lengths, a head that breaks off, or, in Node,
chunks that stop in the middle, where only the JSON tells.

aiohttp's client asks a second time by itself when a connection that it has used before dies without an answer, if the
method is GET, PUT or DELETE; here each connection is new. With `times: 1` such a fault is not seen; say `times: 2`.

Written by `python -m tests.server.wire_table`, with {versions};
`tests/server/test_wire_table.py` holds it against the clients there are.

"""
TLS_HEAD = """
## Over TLS

It is the same, but for these. A reset at once comes before the handshake.

"""


class Case(NamedTuple):
    """A fault, the rule that makes it, how the page calls it, and whether a client has to wait for its time-out."""

    says: str
    type: str
    parameters: dict[str, object]
    slow: bool = False


CASES = (
    Case("close without an answer", "drop", {}),
    Case("reset without an answer", "reset", {}),
    Case("nothing, for ever", "hang", {}, slow=True),
    Case("half of the body, then close", "truncate", {}),
    Case("half of the body, then reset", "truncate", {"ending": "reset"}),
    Case("half of the body, then nothing", "truncate", {"ending": "hang"}, slow=True),
    Case("in chunks, the last missing", "truncate", {"framing": "chunked"}),
    Case("half of the JSON, good HTTP", "truncate", {"framing": "valid"}),
    Case("the body over two seconds", "drip", {"total": "2s", "chunk": 32}, slow=True),
    Case("noise, then close", "malformed", {}),
    Case("no status in the status line", "malformed", {"part": "status_line"}),
    Case("a header without a colon", "malformed", {"part": "header"}),
    Case("two Content-Lengths that differ", "malformed", {"part": "content_length"}),
    Case("Content-Length of half the body", "malformed", {"part": "short_length"}),
    Case("a chunk size that is no number", "malformed", {"part": "chunk_size"}),
    Case("noise inside the JSON", "malformed", {"part": "json"}),
    Case("whole, closed five seconds later", "slow_close", {}),
    Case("the same without a length", "slow_close", {"framing": "close"}, slow=True),
    Case("nobody listens", "refuse", {}),
    Case("accepted, and reset at once", "refuse", {"how": "reset"}),
    Case("said to be gzip, and is not", "encoding", {"mode": "gzip_lie"}),
    Case("half of good gzip", "encoding", {"mode": "gzip_truncated"}),
    Case("a byte order mark", "encoding", {"mode": "utf8_bom"}),
    Case("UTF-16, said to be UTF-8", "encoding", {"mode": "wrong_charset"}),
    Case("JSON, said to be HTML", "content_type", {"mode": "html"}),
    Case("HTML with status 200", "abort", {"status": 200, "body": "<p>Sign in</p>", "content_type": "text/html"}),
)


def by_httpx(url, token, ca, patience):
    verify = ssl.create_default_context(cafile=ca)
    httpx.get(url, headers=_bearer(token), timeout=patience, trust_env=False, verify=verify).json()


def by_requests(url, token, ca, patience):
    with requests.Session() as session:
        session.trust_env = False
        session.get(url, headers=_bearer(token), timeout=patience, verify=ca and str(ca)).json()


def by_aiohttp(url, token, ca, patience):
    async def ask():
        deadline = aiohttp.ClientTimeout(total=patience)
        trusted = ssl.create_default_context(cafile=ca)
        try:
            async with (
                aiohttp.ClientSession(timeout=deadline) as session,
                session.get(url, headers=_bearer(token), ssl=trusted) as answer,
            ):
                await answer.json(content_type=None)
        finally:
            await asyncio.sleep(_CLOSING)

    asyncio.run(ask())


_CURL = {
    1: "UNSUPPORTED_PROTOCOL",
    7: "COULDNT_CONNECT",
    8: "WEIRD_SERVER_REPLY",
    18: "PARTIAL_FILE",
    28: "OPERATION_TIMEDOUT",
    35: "SSL_CONNECT_ERROR",
    52: "GOT_NOTHING",
    55: "SEND_ERROR",
    56: "RECV_ERROR",
    61: "BAD_CONTENT_ENCODING",
}


def by_curl(url, token, ca, patience):
    command = [
        "curl",
        "-sS",
        "--compressed",
        "--noproxy",
        "*",
        "--max-time",
        str(patience),
        *(["--cacert", ca] if ca else []),
    ]
    done = subprocess.run([*command, "-H", f"Authorization: Bearer {token}", url], capture_output=True, timeout=30)
    if done.returncode:
        return f"{done.returncode} {_CURL.get(done.returncode, '')}".strip()
    try:
        json.loads(done.stdout.decode())
    except ValueError:
        return "*no JSON*"
    return "ok"


def by_node(url, token, ca, patience):
    script = Path(__file__).with_name("clients") / "fault.mjs"
    direct = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    direct |= {"NODE_EXTRA_CA_CERTS": str(ca)} if ca else {}
    command = ["node", script, url, token, str(int(patience * 1000))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, env=direct)
    return done.stdout.strip() or f"exit {done.returncode}"


def _bearer(token):
    return {"Authorization": f"Bearer {token}"}


CLIENTS = {
    name: ask
    for name, ask, program in (
        ("curl", by_curl, "curl"),
        ("httpx", by_httpx, ""),
        ("requests", by_requests, ""),
        ("aiohttp", by_aiohttp, ""),
        ("Node fetch", by_node, "node"),
    )
    if not program or shutil.which(program)
}
ALL_CLIENTS = ("curl", "httpx", "requests", "aiohttp", "Node fetch")


def outcome(client, url, token, ca, patience):
    """What one client raises: the name of its error, or ok."""
    try:
        said = CLIENTS[client](url, token, ca, patience)
    except Exception as error:  # noqa: BLE001 - whatever it is, that is the answer
        return type(error).__name__
    return said or "ok"


def measure(case, server, token, ca=None):
    """What each client of this machine makes of a case: its name -> its words. The rules are gone afterwards.

    Args:
        case: a line of the table.
        server: a Running.
        token: its token.
        ca: the file of the CA to trust; None where it speaks no TLS.
    """
    rule = {"name": "it", "type": case.type, "parameters": case.parameters}
    if case.type == "refuse":
        rule["duration"] = "1m"
    answer = server.admin.post("/_mockscim/faults", json=rule)
    assert answer.status_code == 201, answer.text
    try:
        with ThreadPoolExecutor(len(CLIENTS)) as pool:
            url = f"{server.root}/scim/v2/Users/u-1"
            patience = PATIENCE if case.slow else _LONG_PATIENCE
            asked = {name: pool.submit(outcome, name, url, token, ca, patience) for name in CLIENTS}
            return {name: future.result() for name, future in asked.items()}
    finally:
        server.admin.delete("/_mockscim/faults")


# What depends on which of two packets comes first, or on the Python that the client runs on (a reset below TLS was an
# end before 3.13): over TLS or not, what the page calls it, client -> all that can be.
RACES = {
    (False, "accepted, and reset at once", "curl"): ("7 COULDNT_CONNECT", "55 SEND_ERROR", "56 RECV_ERROR"),
    (False, "accepted, and reset at once", "httpx"): ("ConnectError", "ReadError", "RemoteProtocolError"),
    (False, "accepted, and reset at once", "aiohttp"): ("ClientConnectorError", "ClientOSError"),
    (False, "accepted, and reset at once", "Node fetch"): ("TypeError (ECONNRESET)", "exit 13"),
    (True, "accepted, and reset at once", "curl"): ("7 COULDNT_CONNECT", "35 SSL_CONNECT_ERROR"),
    (True, "reset without an answer", "httpx"): ("RemoteProtocolError", "ReadError"),
    (True, "half of the body, then reset", "httpx"): ("RemoteProtocolError", "ReadError"),
    (True, "reset without an answer", "Node fetch"): ("TypeError (ECONNRESET)", "TypeError (UND_ERR_SOCKET)"),
}


def recorded():
    """The page's tables: over TLS or not -> what a case is called -> client -> all that it may say."""
    plain, _, tls = PAGE.read_text("utf-8").partition(TLS_HEAD)
    found = _rows(plain)
    return {False: found, True: {says: {**cells, **_rows(tls).get(says, {})} for says, cells in found.items()}}


def _rows(text):
    rows = [line.split("|")[1:-1] for line in text.splitlines() if re.match(r"\| [^|]+ \| `", line)]
    return {row[0].strip(): dict(zip(ALL_CLIENTS, [_said(cell) for cell in row[2:]], strict=True)) for row in rows}


def _said(cell):
    return tuple(cell.strip().replace("**ok**", "ok").replace("`", "").split(" or "))


def page(tables, versions):
    """The page for tables as ``recorded`` has them."""
    plain, tls = tables[False], tables[True]
    lines = [HEAD.format(versions=versions) + _COLUMNS, *(_line(case, plain[case.says]) for case in CASES)]
    others = [_line(case, tls[case.says]) for case in CASES if tls[case.says] != plain[case.says]]
    return "\n".join(lines) + "\n" + TLS_HEAD + "\n".join([_COLUMNS, *others]) + "\n"


_COLUMNS = "| what happens | rule | " + " | ".join(ALL_CLIENTS) + " |\n" + "|---|---|" + "---|" * len(ALL_CLIENTS)


def _line(case, cells):
    given = ", ".join(f"{name}={value}" for name, value in case.parameters.items() if name not in ("body", "chunk"))
    rule = f"`{case.type}({given})`" if given else f"`{case.type}`"
    return f"| {case.says} | {rule} | " + " | ".join(_cell(cells[name]) for name in ALL_CLIENTS) + " |"


def _cell(words):
    return " or ".join("**ok**" if one == "ok" else one if one.startswith("*") else f"`{one}`" for one in words)


def measured(case, server, token, ca=None):
    """What clients make of a case, each with all that it may say."""
    said = measure(case, server, token, ca)
    return {name: _also(RACES.get((ca is not None, case.says, name), ()), words) for name, words in said.items()}


def _also(race, words):
    return race if words in race else (words,)


@contextlib.contextmanager
def authority():
    """A CA's file, a server's context with a certificate of it, and a client's that trusts it."""
    made = trustme.CA()
    serves, trusts = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    made.issue_cert("127.0.0.1").configure_cert(serves)
    made.configure_trust(trusts)
    with made.cert_pem.tempfile() as file:
        yield file, serves, trusts


def _versions():
    named = [f"{module.__name__} {module.__version__}" for module in (httpx, requests, aiohttp)]
    curl = subprocess.run(["curl", "--version"], capture_output=True, text=True).stdout.split(" ")[1]
    node = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()
    return f"curl {curl}, {', '.join(named)} and Node {node[1:]}"


def main():
    """Measure, and write the page."""
    if missing := [name for name in ALL_CLIENTS if name not in CLIENTS]:
        sys.exit(f"this machine has no {' and no '.join(missing)}")
    sys.path.append(str(Path(__file__).parent))
    from edge import TOKEN, Running

    from mockscim import fixtures, profiles
    from mockscim.server import Options
    from mockscim.tenant import Start

    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    start = Start(profiles.load("standard"), fixtures.load_bundled("small.json"))
    tables = {}
    with authority() as (ca, *contexts):
        for tls in (False, True):
            server = Running(loop, start, Options(tokens=(TOKEN,)), *(contexts if tls else ()))
            with contextlib.closing(server):
                tables[tls] = {case.says: measured(case, server, TOKEN, ca if tls else None) for case in CASES}
    PAGE.write_text(page(tables, _versions()), "utf-8")
    print(f"{PAGE} written")


if __name__ == "__main__":
    main()
