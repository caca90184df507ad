"""A mail server (aiosmtpd) whose mood depends on who a mail is for.

grey@… is greylisted, nobody@… refused, cut@… taken and the connection closed before that is said.
It prints its port, then a line of JSON for each mail that it has taken.
"""

import argparse
import asyncio
import json
import ssl

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


def say(what):
    print(json.dumps(what), flush=True)


class Office:
    def __init__(self):
        self.connections = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("grey@"):
            return "450 4.7.1 greylisted, come again"
        if address.startswith("nobody@"):
            return f"550 5.1.1 <{address}>: no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        say({
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None or server.transport.get_extra_info("cipher") is not None,
            "login": session.authenticated,
            "connection": server.number,
            "body": envelope.content.decode("utf-8", "replace"),
        })
        if envelope.rcpt_tos[0].startswith("cut@"):
            server.transport.abort()
        return "250 2.0.0 queued"


def authenticate(server, session, envelope, mechanism, given):
    good = isinstance(given, LoginPassword) and (given.login, given.password) == (b"shop", b"let@me:in")
    return AuthResult(success=good, handled=good)


async def main():
    wishes = argparse.ArgumentParser()
    wishes.add_argument("--tls", choices=["none", "starttls", "always"], default="none")
    wishes.add_argument("--login", choices=["PLAIN", "LOGIN"])
    wishes.add_argument("--certificate")
    wishes.add_argument("--key")
    wish = wishes.parse_args()
    context = None
    if wish.tls != "none":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(wish.certificate, wish.key)
    office = Office()

    def meet():
        office.connections += 1
        server = SMTP(
            office,
            hostname="office.example",
            tls_context=context if wish.tls == "starttls" else None,
            require_starttls=wish.tls == "starttls",
            authenticator=authenticate if wish.login else None,
            auth_required=wish.login is not None,
            auth_require_tls=wish.tls == "starttls",
            auth_exclude_mechanism=[m for m in ("PLAIN", "LOGIN") if m != wish.login],
            loop=asyncio.get_running_loop(),
        )
        server.number = office.connections
        return server

    listener = await asyncio.get_running_loop().create_server(
        meet, "127.0.0.1", 0, ssl=context if wish.tls == "always" else None
    )
    say(listener.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


asyncio.run(main())
