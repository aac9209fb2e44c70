"""HTTP requests to the aggregator over a Unix socket or TCP, one connection that is kept for each thread."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
import threading
from typing import Dict, NamedTuple, Optional

from ._endpoint import DEFAULT_URL, Endpoint

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 60.0  # beyond what a long poll may take: a slow card's commits are waited for


class NoAnswer(Exception):
    """Nobody answered; the request may have been done or not."""


class Reply(NamedTuple):
    """Header names are in lower case."""

    status: int
    body: bytes
    headers: Dict[str, str]


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str):
        super().__init__("localhost", timeout=CONNECT_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self._path)
        except OSError:
            self.close()
            raise


class _Kept:
    """A thread's connection; closed with the thread."""

    def __init__(self, connection: http.client.HTTPConnection):
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


class Client:
    """Thread-safe."""

    def __init__(self, endpoint: Endpoint):
        self.endpoint = endpoint
        self._mine = threading.local()
        self._tls = _tls_context(endpoint) if endpoint.tls else None

    def send(self, method: str, path: str, body: Optional[bytes] = None, kind: str = "", wait_s: float = 0) -> Reply:
        """Any status is a reply. Raises NoAnswer, which may be tried again, or ValueError, which may not."""
        reused = self._kept() is not None
        try:
            return self._send_once(method, path, body, kind, wait_s)
        except (http.client.HTTPException, OSError) as error:
            was_connected = self._drop()
            if not reused or isinstance(error, socket.timeout):
                raise self._explain(error, was_connected) from None
        try:  # an idle connection that was closed from the other side says nothing about the aggregator
            return self._send_once(method, path, body, kind, wait_s)
        except (http.client.HTTPException, OSError) as error:
            raise self._explain(error, self._drop()) from None

    def _drop(self) -> bool:
        """This thread's connection; false: there is none."""
        kept = self._kept()
        self._mine.kept = None
        if kept is not None:
            kept.connection.close()
        return kept is not None

    def _kept(self) -> Optional[_Kept]:
        return getattr(self._mine, "kept", None)

    def _send_once(self, method: str, path: str, body: Optional[bytes], kind: str, wait_s: float) -> Reply:
        kept = self._kept()
        if kept is None:
            kept = self._mine.kept = _Kept(self._connect())
        connection = kept.connection
        connection.sock.settimeout(ANSWER_TIMEOUT_S + wait_s)
        headers = {"Content-Type": kind} if kind else {}
        if self.endpoint.token:
            headers["Authorization"] = "Bearer " + self.endpoint.token
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return Reply(answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()})

    def _connect(self) -> http.client.HTTPConnection:
        at = self.endpoint
        connection: http.client.HTTPConnection
        if at.socket_path:
            connection = _UnixConnection(at.socket_path)
        elif at.tls:
            connection = http.client.HTTPSConnection(at.host, at.port, timeout=CONNECT_TIMEOUT_S, context=self._tls)
        else:
            connection = http.client.HTTPConnection(at.host, at.port, timeout=CONNECT_TIMEOUT_S)
        connection.connect()
        if not at.socket_path:
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _explain(self, error: Exception, was_connected: bool) -> Exception:
        url = self.endpoint.url
        if isinstance(error, ssl.SSLCertVerificationError):
            return ValueError(
                f"the certificate of the aggregator at {url} is not to be trusted ({error.verify_message}): ca_file or "
                f"BRAMBLE_CA names the authority that signed it"
            )
        if isinstance(error, ssl.SSLError):
            return ValueError(f"nothing speaks TLS at {url} ({error}): is it http:// there?")
        why = _why_lost(error, self.endpoint) if was_connected else _why_unreached(error, self.endpoint)
        local = "; bramble local starts a cluster on this machine" if url == DEFAULT_URL else ""
        return NoAnswer(
            f"cannot reach the aggregator at {url} ({why}): is it running there? url or BRAMBLE_URL says where to look"
            f"{local}"
        )


def _why_unreached(error: Exception, at: Endpoint) -> str:
    """As the command says it (aggregator/cli/unreached.cpp)."""
    if isinstance(error, socket.gaierror):
        if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None)):
            return "there is no such host"
        if error.errno == socket.EAI_AGAIN:
            return "nobody could be asked for the host's address"
    elif isinstance(error, socket.timeout):
        return f"no answer within {CONNECT_TIMEOUT_S:.0f} s"
    elif isinstance(error, FileNotFoundError):
        return "there is no such socket"
    elif isinstance(error, ConnectionRefusedError):
        return "connection refused" + (": whoever made this socket runs no more" if at.socket_path else "")
    elif isinstance(error, OSError) and error.errno in (errno.EAGAIN, errno.ETIMEDOUT):
        return "it is too busy to take connections" if error.errno == errno.EAGAIN else "no answer"
    return _words_of(error)


def _why_lost(error: Exception, at: Endpoint) -> str:
    if isinstance(error, (socket.timeout, http.client.HTTPException, ConnectionResetError)):
        return "no answer came" + ("" if at.tls or at.socket_path else "; perhaps it is https:// there")
    return "the connection broke" if isinstance(error, BrokenPipeError) else _words_of(error)


def _words_of(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror if error.strerror[1:2].isupper() else error.strerror[:1].lower() + error.strerror[1:]
    return str(error) or type(error).__name__


def _tls_context(endpoint: Endpoint) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=endpoint.ca_file or None)
    except (ssl.SSLError, OSError) as error:
        raise ValueError(
            f"there are no certificates in PEM in {endpoint.ca_file} ({error}): ca_file or BRAMBLE_CA names the "
            f"authority that is trusted"
        ) from None
