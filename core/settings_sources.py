"""The order in which the settings are looked for: environment, secret store, ``.env``, default."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource

from core.secret_stores import (
    AwsSettings,
    SecretStore,
    SecretStoreError,
    VaultSettings,
    read_secrets,
)
from core.section import Section

_NEVER_FROM_A_STORE = {"secrets_from", "secrets_directory", "vault", "aws"}
"""They say which store there is."""


class StoreLocation(Section):
    """The settings that are needed to find the others."""

    secrets_from: SecretStore = SecretStore.ENVIRONMENT
    secrets_directory: Path = Path("/run/secrets")
    vault: VaultSettings = VaultSettings()
    aws: AwsSettings = AwsSettings()


class SecretStoreSource(EnvSettingsSource):
    """A store whose names and values are read as if they were in the environment.

    Names that do not begin as ours are somebody else's; one of ours that is no setting is refused.
    """

    def __init__(
        self, settings_cls: type[BaseSettings], *sources: PydanticBaseSettingsSource
    ) -> None:
        self._location = _location(sources)
        super().__init__(settings_cls, env_ignore_empty=False)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        found = read_secrets(
            self._location.secrets_from,
            directory=self._location.secrets_directory,
            vault=self._location.vault,
            aws=self._location.aws,
        )
        ours: dict[str, str | None] = {}
        for name, value in sorted(found.items()):
            if not name.lower().startswith(self.env_prefix.lower()):
                continue
            self._refuse_stranger(name)
            if name.lower() in ours:
                raise SecretStoreError(f"the secret {name} is there twice, in two spellings")
            ours[name.lower()] = value
        return ours

    def _refuse_stranger(self, name: str) -> None:
        rest = name.lower().removeprefix(self.env_prefix.lower())
        allowed = set(self.settings_cls.model_fields) - _NEVER_FROM_A_STORE
        if rest not in allowed and not any(rest.startswith(f"{one}_") for one in allowed):
            raise SecretStoreError(f"the secret {name} is no setting that a store can give")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._location.secrets_from})"


def _location(sources: tuple[PydanticBaseSettingsSource, ...]) -> StoreLocation:
    """Read from the sources, the strongest first."""
    known: dict[str, Any] = {}
    for source in reversed(sources):
        for name, value in source().items():
            if name not in _NEVER_FROM_A_STORE:
                continue
            both = isinstance(value, dict) and isinstance(known.get(name), dict)
            known[name] = {**known[name], **value} if both else value
    try:
        return StoreLocation.model_validate(known)
    except ValidationError as error:
        wrong = "; ".join(
            f"PERDURE_{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}"
            for one in error.errors(include_input=False, include_url=False)
        )
        raise SecretStoreError(wrong) from None
