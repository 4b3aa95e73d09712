"""Where the links in messages lead while no shop front has pages of its own for them.

One page without anything from elsewhere. The token is behind the ``#``: no server's log and no
``Referer`` ever has it. The page only tells the API what its person wants, at the press of a
button: a mail scanner that opens the link confirms nothing.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from starlette.responses import HTMLResponse

PAGES = {
    "verify-email": ("Confirm your e-mail address", "/v1/auth/email/verify", ()),
    "reset-password": ("Set a new password", "/v1/auth/password/reset", ("password",)),
    "accept-invitation": (
        "Accept your invitation",
        "/v1/auth/invitations/accept",
        ("name", "password"),
    ),
}
"""By the end of its address: what it is about, the call that it makes, and what it asks for."""

_LABELS = {
    "name": '<label>Your name, for a new account <input name="name" autocomplete="name"></label>',
    "password": "<label>New password "
    '<input name="password" type="password" autocomplete="new-password"></label>',
}
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 26rem; margin: 4rem auto; padding: 0 1rem;
  color: #1d2733; background: #fff }
label { display: block; margin: 1rem 0 } input { display: block; width: 100%; font: inherit;
  padding: .4rem; box-sizing: border-box } button { font: inherit; padding: .5rem 1.2rem }
@media (prefers-color-scheme: dark) { body { background: #14181d; color: #dbe2ea } }
"""
_SCRIPT = """
const form = document.querySelector("form"), said = document.querySelector("[role=status]");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = {token: new URLSearchParams(location.hash.slice(1)).get("token") || ""};
  for (const field of form.querySelectorAll("input"))
    if (field.value) body[field.name] = field.value;
  try {
    const answer = await fetch(form.getAttribute("action"), {method: "POST", cache: "no-store",
      headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
    if (answer.ok) { form.hidden = true; said.textContent = "Done. You can close this page."; }
    else {
      const problem = await answer.json();
      const errors = (problem.errors || []).map((one) => one.detail);
      said.textContent = errors.join("; ") || problem.detail;
    }
  } catch { said.textContent = "There is no answer. Try again in a moment."; }
});
"""
_HASH = b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; script-src 'sha256-{_HASH}'; style-src 'unsafe-inline'; "
    "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)


def install_account_pages(app: FastAPI) -> None:
    """Serve ``/account/…``, one page for each kind of link."""
    for name in PAGES:
        app.add_api_route(f"/account/{name}", _served(name), include_in_schema=False)


def _served(name: str) -> Callable[[], Awaitable[HTMLResponse]]:
    page = render(name)

    async def account_page() -> HTMLResponse:
        return HTMLResponse(
            page, headers={"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}
        )

    return account_page


def render(name: str) -> str:
    """Return the page of a kind of link."""
    title, call, asked = PAGES[name]
    fields = "".join(_LABELS[field] for field in asked)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>"
        f'<form action="{call}">{fields}<button>{title}</button></form>'
        f'<p role="status" aria-live="polite"></p><script>{_SCRIPT}</script></body></html>'
    )
