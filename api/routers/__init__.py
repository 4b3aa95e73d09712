"""The calls, one file per resource."""

from __future__ import annotations

from fastapi import APIRouter

from api.routers import auth, catalogue, me, operations

ROUTERS: tuple[APIRouter, ...] = (auth.api, me.api, catalogue.api, operations.api)
