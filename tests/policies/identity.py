from __future__ import annotations

from tests.policies.policy import Own, Policy, anyone, oneself, signed_in

ROUTES: dict[str, Policy] = {
    "POST /v1/auth/register": anyone(),
    "POST /v1/auth/login": anyone(),
    "POST /v1/auth/refresh": anyone(),
    "POST /v1/auth/logout": anyone(),
    "POST /v1/auth/email/verify": anyone(),
    "POST /v1/auth/email/resend": anyone(),
    "POST /v1/auth/password/forgot": anyone(),
    "POST /v1/auth/password/reset": anyone(),
    "POST /v1/auth/otp/request": anyone(),
    "POST /v1/auth/otp/verify": anyone(),
    "GET /v1/me": signed_in(),
    "PATCH /v1/me": oneself(),
    "POST /v1/me/phone": oneself(),
    "POST /v1/me/password": oneself(),
    "GET /v1/me/sessions": oneself(),
    "DELETE /v1/me/sessions": oneself(),
    "DELETE /v1/me/sessions/{id}": oneself(own=Own.SESSION),
}
