"""Where secrets come from when they are not in the environment.

A store is a mapping from the names of settings to their values, read once at the start of a
process: ``PERDURE_STRIPE_API_KEY`` in a store means what it means in the environment. Errors name
the setting or the place and never a value, which is why causes are not chained to them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, SecretStr

from core.section import Section

T = TypeVar("T")

SERVICE_ACCOUNT_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


class SecretStore(StrEnum):
    ENVIRONMENT = "environment"
    FILES = "files"
    VAULT = "vault"
    AWS = "aws"


class SecretStoreError(ValueError):
    """The secrets cannot be had, or are not what the settings need; the process cannot start."""


class VaultAuth(StrEnum):
    TOKEN = "token"  # noqa: S105  # the name of a method
    KUBERNETES = "kubernetes"
    APPROLE = "approle"


class VaultSettings(Section):
    address: str | None = None
    namespace: str | None = None
    mount: str = Field(default="secret", description="of the KV engine, version 2")
    path: str = Field(default="perdure", description="of the one secret whose keys are settings")
    auth: VaultAuth = Field(default=VaultAuth.TOKEN, description="token, kubernetes or approle")
    auth_mount: str | None = Field(default=None, description="when it is not the method's own name")
    token: SecretStr | None = None
    role: str | None = Field(default=None, description="of the method kubernetes")
    jwt_file: Path = Field(
        default=SERVICE_ACCOUNT_TOKEN, description="the service account's token, for kubernetes"
    )
    role_id: str | None = Field(default=None, description="of the method approle")
    role_secret_id: SecretStr | None = None
    ca_file: Path | None = Field(default=None, description="PEM; unset means the system's")
    timeout_seconds: float = 10.0


class AwsSettings(Section):
    secret_id: str | None = Field(default=None, description="name or ARN of a JSON secret")
    region: str | None = Field(default=None, description="unset means what the AWS SDK finds")
    endpoint_url: str | None = Field(default=None, description="of a VPC endpoint, if not AWS' own")
    timeout_seconds: float = 10.0


def read_secrets(
    store: SecretStore, *, directory: Path, vault: VaultSettings, aws: AwsSettings
) -> dict[str, str]:
    """Everything that the store holds, by its names there; what is not text is JSON.

    Raises:
        SecretStoreError: a setting is missing, an extra is not installed, or it does not answer.
    """
    match store:
        case SecretStore.ENVIRONMENT:
            return {}
        case SecretStore.FILES:
            return _read_files(directory)
        case SecretStore.VAULT:
            return _as_text(_read_vault(vault))
        case SecretStore.AWS:
            return _as_text(_read_aws(aws))


def _read_files(directory: Path) -> dict[str, str]:
    """One file for each secret, as Docker and Kubernetes mount them; hidden files are theirs."""
    try:
        files = [one for one in directory.iterdir() if one.is_file() and one.name[0] != "."]
    except OSError as error:
        words = f"PERDURE_SECRETS_DIRECTORY: {directory} cannot be read: {error.strerror}"
        raise SecretStoreError(words) from None
    found = {}
    for file in files:
        try:
            found[file.name] = file.read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise SecretStoreError(f"{file} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise SecretStoreError(f"{file} is not UTF-8 text") from None
    return found


def _read_vault(settings: VaultSettings) -> Mapping[str, Any]:
    address = _required("PERDURE_VAULT_ADDRESS", settings.address)
    try:
        import hvac  # noqa: PLC0415  # an extra, and slow to import
        import requests  # noqa: PLC0415  # comes with it
    except ImportError:
        raise _not_installed(SecretStore.VAULT) from None
    client = hvac.Client(
        url=address,
        # Not None, for which the SDK would look in places of its own.
        token=settings.token.get_secret_value() if settings.token else "",
        namespace=settings.namespace,
        timeout=settings.timeout_seconds,
        verify=str(settings.ca_file) if settings.ca_file else True,
    )
    place = f"{settings.mount}/{settings.path}"
    try:
        _log_in(client, settings)
        answer = client.secrets.kv.v2.read_secret_version(
            path=settings.path, mount_point=settings.mount, raise_on_deleted_version=True
        )
        found: Mapping[str, Any] = answer["data"]["data"]
    except hvac.exceptions.InvalidPath:
        raise SecretStoreError(f"Vault has no secret {place} (KV version 2)") from None
    except (hvac.exceptions.Forbidden, hvac.exceptions.Unauthorized):
        raise SecretStoreError(f"Vault refuses to show {place} by {settings.auth}") from None
    except (hvac.exceptions.VaultError, requests.RequestException, KeyError, TypeError) as error:
        words = f"Vault at {address} cannot be asked for {place}: {type(error).__name__}"
        raise SecretStoreError(words) from None
    return found


def _log_in(client: Any, settings: VaultSettings) -> None:
    """Leave the client with a token; the SDK has no types."""
    mount = settings.auth_mount or settings.auth.value
    match settings.auth:
        case VaultAuth.TOKEN:
            _required("PERDURE_VAULT_TOKEN", settings.token)
        case VaultAuth.KUBERNETES:
            role = _required("PERDURE_VAULT_ROLE", settings.role)
            try:
                jwt = settings.jwt_file.read_text(encoding="utf-8").strip()
            except OSError as error:
                words = f"PERDURE_VAULT_JWT_FILE: {settings.jwt_file}: {error.strerror}"
                raise SecretStoreError(words) from None
            client.auth.kubernetes.login(role=role, jwt=jwt, mount_point=mount)
        case VaultAuth.APPROLE:
            role_id = _required("PERDURE_VAULT_ROLE_ID", settings.role_id)
            secret_id = _required("PERDURE_VAULT_ROLE_SECRET_ID", settings.role_secret_id)
            client.auth.approle.login(
                role_id=role_id, secret_id=secret_id.get_secret_value(), mount_point=mount
            )


def _read_aws(settings: AwsSettings) -> Mapping[str, Any]:
    """Not by pydantic-settings' source: it has no deadlines, and takes nothing but text."""
    secret_id = _required("PERDURE_AWS_SECRET_ID", settings.secret_id)
    try:
        import boto3  # noqa: PLC0415  # an extra, and slow to import
        from botocore.config import Config  # noqa: PLC0415  # comes with it
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    except ImportError:
        raise _not_installed(SecretStore.AWS) from None
    patience = Config(
        connect_timeout=settings.timeout_seconds,
        read_timeout=settings.timeout_seconds,
        retries={"total_max_attempts": 2},
    )
    try:
        client = boto3.client(
            "secretsmanager",
            region_name=settings.region,
            endpoint_url=settings.endpoint_url,
            config=patience,
        )
        answer = client.get_secret_value(SecretId=secret_id)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        raise SecretStoreError(f"AWS does not show the secret {secret_id}: {code}") from None
    except BotoCoreError as error:
        words = f"AWS cannot be asked for the secret {secret_id}: {type(error).__name__}"
        raise SecretStoreError(words) from None
    return _json_object(answer.get("SecretString"), secret_id)


def _json_object(text: str | None, secret_id: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text or "")
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise SecretStoreError(f"the secret {secret_id} is not a JSON object of names and values")
    return found


def _as_text(found: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in found.items()
    }


def _required(name: str, value: T | None) -> T:
    if not value:
        raise SecretStoreError(f"{name} is needed for where PERDURE_SECRETS_FROM says")
    return value


def _not_installed(store: SecretStore) -> SecretStoreError:
    return SecretStoreError(
        f"PERDURE_SECRETS_FROM={store} needs an extra: pip install 'perdure[{store}]'"
    )
