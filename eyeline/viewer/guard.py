"""Who may ask the server: the browser that opened the address with the token, and nobody else."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = ("127.0.0.1", "localhost")
_POLICY = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:",
        "media-src 'self'", "connect-src 'self'", "form-action 'none'", "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)  # fmt: skip
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """Refuses other hosts (which a rebound name would be), other origins, and a wrong token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or refuse a request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket" and self._refusal(scope):
                await send({"type": "websocket.close", "code": 1008})
            else:
                await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update({k: v for k, v in _HEADERS.items() if k.lower() not in headers})
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        response = self._refusal(scope) or self._welcome(scope)
        await (response or self._app)(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        asked = HTTPConnection(scope)
        headers = asked.headers
        host = urlsplit(f"//{headers.get('host', '')}")
        if host.hostname not in HOSTS:
            return _refused(f"this server answers at {HOSTS[0]} alone")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host.netloc:
            return _refused("a page of another place may not ask this server")
        given = asked.query_params.get("token") or asked.cookies.get(cookie_name(scope), "")
        if not secrets.compare_digest(given.encode(), self._token.encode()):
            return _refused("the token is missing or wrong; open the address that was printed")
        return None

    def _welcome(self, scope: Scope) -> Response | None:
        """Keeps the token as a cookie, so that it leaves the address line."""
        query = HTTPConnection(scope).query_params
        if scope["method"] != "GET" or not query.get("token"):
            return None
        rest = urlencode([(k, v) for k, v in query.multi_items() if k != "token"])
        response = RedirectResponse(scope["path"] + (f"?{rest}" if rest else ""), 303)
        response.set_cookie(cookie_name(scope), self._token, httponly=True, samesite="strict")
        return response


def cookie_name(scope: Scope) -> str:
    """Cookies are shared by all ports of a host, so that each server has its own name."""
    port = urlsplit(f"//{Headers(scope=scope).get('host', '')}").port
    return f"eyeline_{port or 80}"


def _refused(reason: str) -> Response:
    return JSONResponse({"error": reason}, 403)
