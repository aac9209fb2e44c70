"""Where the aggregator is, and what opens its door: the rules of the `bramble` command (aggregator/cli/endpoint.hpp)."""

from __future__ import annotations

import os
import re
from typing import NamedTuple, Optional

DEFAULT_URL = "unix:/run/bramble/api.sock"
DEFAULT_PORT = 8737
MAX_TOKEN_BYTES = 4096
MAX_SOCKET_PATH_BYTES = 107  # sun_path, less its zero


class Endpoint(NamedTuple):
    """`url` is as people wrote it; `socket_path` is empty for TCP; `ca_file` empty: what this system trusts."""

    url: str
    socket_path: str = ""
    host: str = ""
    port: int = DEFAULT_PORT
    tls: bool = False
    ca_file: str = ""
    token: str = ""


def _bad_url(url: str) -> ValueError:
    return ValueError(
        f"'{url}' is not an address of an aggregator: write unix:PATH, https://HOST:{DEFAULT_PORT} or "
        f"http://HOST:{DEFAULT_PORT}"
    )


def parse_url(url: str) -> Endpoint:
    """unix:PATH, https://HOST[:PORT] or http://HOST[:PORT]; an IPv6 address stands in brackets."""
    if url.startswith("unix:") and len(url) > 5:
        path = url[5:]
        if len(os.fsencode(path)) > MAX_SOCKET_PATH_BYTES:
            raise ValueError(
                f"the path of a socket has at most {MAX_SOCKET_PATH_BYTES} bytes, this one "
                f"{len(os.fsencode(path))}: {path}"
            )
        return Endpoint(url, socket_path=path)
    found = re.fullmatch(r"(https?)://(?:\[([^\]/]+)\]|([^\[\]/:]+))(?::([0-9]+))?/?", url)
    if found is None:
        raise _bad_url(url)
    port = int(found[4] or DEFAULT_PORT)
    if not 0 < port < 65536:
        raise _bad_url(url)
    return Endpoint(url, host=found[2] or found[3], port=port, tls=found[1] == "https")


def _read_token(path: str) -> str:
    try:
        with open(path, "rb") as file:
            token = file.read(MAX_TOKEN_BYTES).decode("ascii").rstrip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read the token in {path} ({error}): does it exist, and may you read it?") from None
    if not token:
        raise ValueError(f"cannot read a token in {path}: is the file there, and not empty?")
    return token


def find_endpoint(
    url: Optional[str] = None, token_file: Optional[str] = None, ca_file: Optional[str] = None
) -> Endpoint:
    """What is not said is looked for in BRAMBLE_URL, BRAMBLE_TOKEN_FILE, BRAMBLE_TOKEN and BRAMBLE_CA."""
    endpoint = parse_url(url or os.environ.get("BRAMBLE_URL") or DEFAULT_URL)
    if endpoint.socket_path:
        return endpoint
    path = token_file or os.environ.get("BRAMBLE_TOKEN_FILE")
    token = _read_token(path) if path else os.environ.get("BRAMBLE_TOKEN", "")
    ca = ca_file or os.environ.get("BRAMBLE_CA", "") if endpoint.tls else ""
    if ca and not os.access(ca, os.R_OK):
        raise ValueError(f"cannot read the certificates in {ca}: does it exist, and may you read it?")
    return endpoint._replace(token=token, ca_file=ca or "")
