# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An OpenID Connect provider on loopback: idpyoidc behind Python's own web server.

Run in the environment of requirements/clients/idpyoidc.txt with one argument, JSON: folder, client_id, client_secret,
redirect_uri, users (names and passwords), public (whether the client has no secret), clock (seconds to be wrong by).
Prints its URL. All of the protocol is the library's; this file is the web framework around it.
"""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from idpyoidc.message.oidc import AuthorizationRequest
from idpyoidc.server import Server
from idpyoidc.server.configure import OPConfiguration
from idpyoidc.server.exception import FailedAuthentication

FORM = """<!doctype html><title>Home</title><link rel="icon" href="data:,"><form action="{{ action }}" method="post">
<input name="token" value="{{ token }}" type="hidden"><label>Name <input name="username"></label>
<label>Password <input name="password" type="password"></label><button>Sign in</button></form>"""
PASSWORDS = "idpyoidc.server.user_authn.user.UserPassJinja2"
CONTEXT = "urn:oasis:names:tc:SAML:2.0:ac:classes:InternetProtocolPassword"
VERIFY = "verify/user_pass_jinja"


def endpoint(path: str, name: str, **more: Any) -> dict[str, Any]:
    return {"path": path, "class": f"idpyoidc.server.oidc.{name}", "kwargs": more}


def configuration(url: str, wish: dict[str, Any]) -> dict[str, Any]:
    """Everything as its documentation has it for a provider of the code flow that insists on PKCE."""
    (Path(wish["folder"]) / "login.html").write_text(FORM)
    methods = ["none"] if wish["public"] else ["client_secret_basic", "client_secret_post"]
    code = {"supports_minting": ["access_token", "id_token"], "max_usage": 1, "expires_in": 60}
    return {
        "issuer": url,
        "httpc_params": {"verify": True, "timeout": 4},
        "template_dir": wish["folder"],
        "keys": {"uri_path": "keys", "key_defs": [{"type": "RSA", "use": ["sig"]}], "read_only": False},
        "token_handler_args": {
            "key_conf": {"key_defs": [{"type": "OCT", "bytes": 24, "use": ["enc"], "kid": "code"}]},
            "code": {"lifetime": 60, "kwargs": {}},
            "token": {"class": "idpyoidc.server.token.jwt_token.JWTToken", "kwargs": {"lifetime": 300, "alg": "RS256"}},
            "id_token": {
                "class": "idpyoidc.server.token.id_token.IDToken",
                "kwargs": {"base_claims": {"auth_time": {"essential": True}}, "lifetime": 300},
            },
        },
        "authz": {
            "class": "idpyoidc.server.authz.AuthzHandling",
            "kwargs": {"grant_config": {"usage_rules": {"authorization_code": code}, "expires_in": 300}},
        },
        "add_ons": {
            "pkce": {
                "function": "idpyoidc.server.oauth2.add_on.pkce.add_support",
                "kwargs": {"essential": True},
            }
        },
        "authentication": {
            "password": {
                "acr": CONTEXT,
                "class": PASSWORDS,
                "kwargs": {
                    "verify_endpoint": VERIFY,
                    "template": "login.html",
                    "db": {
                        "class": "idpyoidc.server.util.JSONDictDB",
                        "kwargs": {"filename": wish["folder"] + "/users.json"},
                    },
                },
            }
        },
        "userinfo": {"class": "idpyoidc.server.user_info.UserInfo", "kwargs": {"db": {}}},
        "endpoint": {
            "provider_config": endpoint(".well-known/openid-configuration", "provider_config.ProviderConfiguration"),
            "authorization": endpoint("authorize", "authorization.Authorization", response_types_supported=["code"]),
            "token": endpoint("token", "token.Token", client_authn_method=methods),
        },
    }


class Desk(BaseHTTPRequestHandler):
    """The endpoints over HTTP."""

    provider: Server
    paths: dict[str, str]

    def log_message(self, *args: Any) -> None:
        return

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/keys":
            self._send(200, self.provider.keyjar.export_jwks_as_json(), "application/json")
        else:
            self._serve(parts.path.lstrip("/"), dict(parse_qsl(parts.query)))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        path = self.path.lstrip("/")
        if path == VERIFY:
            self._signed_in(dict(parse_qsl(body)))
        else:
            self._serve(path, dict(parse_qsl(body)))

    def _serve(self, path: str, asked: dict[str, str]) -> None:
        if path not in self.paths:
            self._send(404, "")
            return
        point = self.provider.get_endpoint(self.paths[path])
        headers = {name.lower(): value for name, value in self.headers.items()}
        info = {"headers": headers, "method": self.command, "url": self.path, "cookie": []}
        request = point.parse_request(asked, http_info=info)
        if "error" in request:
            self._send(400, request.to_json(), "application/json")
            return
        found = point.process_request(request, http_info=info)
        if "http_response" in found:
            self._send(200, found["http_response"], "text/html")
        else:
            self._answer(point, request, found)

    def _signed_in(self, form: dict[str, str]) -> None:
        method = self.provider.context.authn_broker.pick(CONTEXT)[0]["method"]
        try:
            name = method.verify(**form)
        except FailedAuthentication:
            self._send(403, "wrong password")
            return
        known = method.unpack_token(form["token"])
        request = AuthorizationRequest().from_urlencoded(known["query"])
        point = self.provider.get_endpoint("authorization")
        session = point.create_session(request, name, known["authn_class_ref"], known["iat"], method)
        self._answer(point, request, point.authz_part2(request=request, session_id=session))

    def _answer(self, point: Any, request: Any, found: Any) -> None:
        if "redirect_location" in found:
            self._send(303, "", Location=found["redirect_location"])
            return
        info = point.do_response(request=request, **found)
        if (info.get("response_placement") or point.response_placement) == "url":
            self._send(303, "", Location=info["response"])
        else:
            error = "error" in json.loads(info["response"])
            self._send(400 if error else 200, info["response"], "application/json")

    def _send(self, status: int, body: str, kind: str = "text/plain", **headers: str) -> None:
        content = body.encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def main() -> None:
    wish = json.loads(sys.argv[1])
    (Path(wish["folder"]) / "users.json").write_text(json.dumps(wish["users"]))
    if wish["clock"]:
        real = time.time
        time.time = lambda: real() + wish["clock"]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    made = configuration(url, wish)
    provider = Server(OPConfiguration(conf=made, base_path=wish["folder"], domain="127.0.0.1"), cwd=wish["folder"])
    provider.context.cdb[wish["client_id"]] = {
        "client_id": wish["client_id"],
        "client_secret": "" if wish["public"] else wish["client_secret"],
        "redirect_uris": [(wish["redirect_uri"], None)],
        "response_types_supported": ["code"],
        "allowed_scopes": ["openid"],
        "token_endpoint_auth_method": "none" if wish["public"] else "client_secret_basic",
        "id_token_signed_response_alg": "RS256",
        "client_salt": "salt",
    }
    if not wish["public"]:
        provider.keyjar.add_symmetric(wish["client_id"], wish["client_secret"])
    Desk.provider = provider
    Desk.paths = {one["path"]: name for name, one in made["endpoint"].items()}
    print(url, flush=True)  # noqa: T201 - it is what the test reads
    server.serve_forever()


if __name__ == "__main__":
    main()
