"""Secrets from files, Vault and AWS, by the official SDKs; and errors that show no value.

``VALUE`` is the secret that no error, representation or dump may show.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from core.secret_stores import SecretStoreError
from core.settings import Settings
from tests.integration.core.secret_servers import SecretsManager, Vault, serving

VALUE = "sk_live_never-to-be-shown-anywhere"
OTHER = "whsec_never-to-be-shown-either"
SECRETS = {
    "PERDURE_STRIPE_API_KEY": VALUE,
    "PERDURE_STRIPE_WEBHOOK_SECRETS": [OTHER, "whsec_the-one-before-it"],
    "SOMEBODY_ELSES": "ignored",
}


@pytest.fixture(autouse=True)
def _no_settings_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.startswith(("PERDURE_", "AWS_", "VAULT_")):
            monkeypatch.delenv(name)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


def use(monkeypatch: pytest.MonkeyPatch, store: str, **settings: object) -> None:
    monkeypatch.setenv("PERDURE_SECRETS_FROM", store)
    for name, value in settings.items():
        monkeypatch.setenv(f"PERDURE_{name}".upper(), str(value))


def loaded() -> Settings:
    return Settings(_env_file=None)


def refusal() -> str:
    """Why the settings cannot be loaded; nothing that a process could print shows a value."""
    with pytest.raises((SecretStoreError, ValidationError)) as refused:
        loaded()
    everything = "".join(traceback.format_exception(refused.value)) + repr(refused.value)
    assert VALUE not in everything
    assert OTHER not in everything
    return str(refused.value)


def assert_secrets_are_used(settings: Settings) -> None:
    assert settings.stripe.api_key.get_secret_value() == VALUE
    told = [secret.get_secret_value() for secret in settings.stripe.webhook_secrets]
    assert told == [OTHER, "whsec_the-one-before-it"]
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert VALUE not in shown
        assert OTHER not in shown


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    """A volume as Kubernetes mounts it: every name is a link into a hidden folder."""
    (tmp_path / "..data").mkdir()
    for name, value in SECRETS.items():
        text = value if isinstance(value, str) else json.dumps(value)
        (tmp_path / "..data" / name.lower()).write_text(f"{text}\n", encoding="utf-8")
        (tmp_path / name.lower()).symlink_to(tmp_path / "..data" / name.lower())
    (tmp_path / ".hidden").write_bytes(b"\xff")
    return tmp_path


def test_files_of_a_folder_are_settings(monkeypatch: pytest.MonkeyPatch, mounted: Path) -> None:
    use(monkeypatch, "files", secrets_directory=mounted)
    assert_secrets_are_used(loaded())


def test_environment_wins_over_the_store_and_the_store_over_the_file(
    monkeypatch: pytest.MonkeyPatch, mounted: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    dotenv = tmp_path_factory.mktemp("dotenv") / ".env"
    dotenv.write_text(
        "PERDURE_SECRETS_FROM=files\n"
        f"PERDURE_SECRETS_DIRECTORY={mounted}\n"
        "PERDURE_STRIPE_API_KEY=sk_of_the_file\n"
        "PERDURE_CARRIER_API_KEY=carrier_of_the_file\n"
    )
    (mounted / "perdure_auth_jwt_key").write_text("key-of-the-store")
    monkeypatch.setenv("PERDURE_AUTH_JWT_KEY", "key-of-the-environment")

    settings = Settings(_env_file=dotenv)

    assert settings.auth.jwt_key.get_secret_value() == "key-of-the-environment"
    assert settings.stripe.api_key.get_secret_value() == VALUE
    assert settings.carrier.api_key.get_secret_value() == "carrier_of_the_file"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("PERDURE_STRPE_API_KEY", "the secret PERDURE_STRPE_API_KEY is no setting that a store"),
        ("PERDURE_VAULT_TOKEN", "the secret PERDURE_VAULT_TOKEN is no setting that a store"),
        ("PERDURE_STRIPE_API_KEE", "stripe.api_kee"),
        ("PERDURE_Stripe_Api_Key", "is there twice, in two spellings"),
    ],
)
def test_name_that_is_no_setting_is_refused_without_its_value(
    monkeypatch: pytest.MonkeyPatch, mounted: Path, name: str, why: str
) -> None:
    (mounted / name).write_text(VALUE)
    use(monkeypatch, "files", secrets_directory=mounted)
    assert why in refusal()


def test_folder_that_is_not_there_and_file_that_is_no_text_are_named(
    monkeypatch: pytest.MonkeyPatch, mounted: Path
) -> None:
    use(monkeypatch, "files", secrets_directory=mounted / "nowhere")
    assert refusal().startswith(f"PERDURE_SECRETS_DIRECTORY: {mounted / 'nowhere'} cannot be read")
    (mounted / "perdure_stripe_api_key").write_bytes(b"\xff" + VALUE.encode())
    use(monkeypatch, "files", secrets_directory=mounted)
    assert refusal() == f"{mounted / 'perdure_stripe_api_key'} is not UTF-8 text"


def test_secret_that_production_refuses_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, mounted: Path
) -> None:
    use(monkeypatch, "files", secrets_directory=mounted, environment="production")
    assert "PERDURE_AUTH_JWT_KEY" in refusal()


@pytest.fixture
def vault() -> Iterator[tuple[Vault, str]]:
    vault = Vault(data=SECRETS)
    with serving(vault) as address:
        yield vault, address


def test_vault_by_token(monkeypatch: pytest.MonkeyPatch, vault: tuple[Vault, str]) -> None:
    server, address = vault
    server.namespace = "shops"
    use(
        monkeypatch,
        "vault",
        vault_address=address,
        vault_token=server.token,
        vault_namespace="shops",
    )
    assert_secrets_are_used(loaded())


def test_vault_by_approle_of_another_mount(
    monkeypatch: pytest.MonkeyPatch, vault: tuple[Vault, str]
) -> None:
    server, address = vault
    server.path = "/v1/kv/data/shops/perdure"
    told = {"role_id": "role-1", "secret_id": "approle-secret"}
    server.credentials = {"/v1/auth/machines/login": told}
    use(
        monkeypatch,
        "vault",
        vault_address=address,
        vault_mount="kv",
        vault_path="shops/perdure",
        vault_auth="approle",
        vault_auth_mount="machines",
        vault_role_id="role-1",
        vault_role_secret_id="approle-secret",
    )
    assert_secrets_are_used(loaded())


def test_vault_by_the_service_account_of_kubernetes(
    monkeypatch: pytest.MonkeyPatch, vault: tuple[Vault, str], tmp_path: Path
) -> None:
    server, address = vault
    jwt = tmp_path / "token"
    jwt.write_text("signed-by-the-cluster\n")
    told = {"role": "perdure", "jwt": "signed-by-the-cluster"}
    server.credentials = {"/v1/auth/kubernetes/login": told}
    use(
        monkeypatch,
        "vault",
        vault_address=address,
        vault_auth="kubernetes",
        vault_role="perdure",
        vault_jwt_file=jwt,
    )
    assert_secrets_are_used(loaded())

    jwt.unlink()
    assert refusal() == f"PERDURE_VAULT_JWT_FILE: {jwt}: No such file or directory"


def test_vault_that_refuses_or_cannot_is_named_with_the_place(
    monkeypatch: pytest.MonkeyPatch, vault: tuple[Vault, str]
) -> None:
    server, address = vault
    use(monkeypatch, "vault")
    assert refusal() == "PERDURE_VAULT_ADDRESS is needed for where PERDURE_SECRETS_FROM says"
    use(monkeypatch, "vault", vault_address=address)
    assert refusal() == "PERDURE_VAULT_TOKEN is needed for where PERDURE_SECRETS_FROM says"
    use(monkeypatch, "vault", vault_token="a-wrong-one")
    assert refusal() == "Vault refuses to show secret/perdure by token"
    use(monkeypatch, "vault", vault_token=server.token, vault_path="nothing")
    assert refusal() == "Vault has no secret secret/nothing (KV version 2)"
    server.sealed = True
    assert refusal() == f"Vault at {address} cannot be asked for secret/nothing: VaultDown"
    use(monkeypatch, "vault", vault_address="http://127.0.0.1:9")
    assert refusal().endswith("cannot be asked for secret/nothing: ConnectionError")
    use(monkeypatch, "vault", vault_auth="magic")
    assert refusal().startswith("PERDURE_VAULT_AUTH: Input should be 'token'")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretsManager]:
    manager = SecretsManager(secrets={"perdure/live": json.dumps(SECRETS), "text": VALUE})
    with serving(manager) as address:
        use(monkeypatch, "aws", aws_endpoint_url=address, aws_region="eu-central-1")
        yield manager


def test_aws_secret_is_settings(monkeypatch: pytest.MonkeyPatch, aws: SecretsManager) -> None:
    use(monkeypatch, "aws", aws_secret_id="perdure/live")
    assert_secrets_are_used(loaded())


def test_aws_that_refuses_or_cannot_is_named_with_the_place(
    monkeypatch: pytest.MonkeyPatch, aws: SecretsManager
) -> None:
    assert refusal() == "PERDURE_AWS_SECRET_ID is needed for where PERDURE_SECRETS_FROM says"
    use(monkeypatch, "aws", aws_secret_id="nothing")
    assert refusal() == "AWS does not show the secret nothing: ResourceNotFoundException"
    use(monkeypatch, "aws", aws_secret_id="text")
    assert refusal() == "the secret text is not a JSON object of names and values"
    aws.denied = True
    assert refusal() == "AWS does not show the secret text: AccessDeniedException"
    use(monkeypatch, "aws", aws_endpoint_url="http://127.0.0.1:9")
    assert refusal() == "AWS cannot be asked for the secret text: EndpointConnectionError"


@pytest.mark.parametrize(("store", "package"), [("vault", "hvac"), ("aws", "boto3")])
def test_extra_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, store: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    use(monkeypatch, store, vault_address="http://127.0.0.1:9", aws_secret_id="perdure")
    assert refusal() == (
        f"PERDURE_SECRETS_FROM={store} needs an extra: pip install 'perdure[{store}]'"
    )
