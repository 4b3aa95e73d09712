"""People are forgotten: the rows and the files that know them."""

from __future__ import annotations

from datetime import timedelta

from temporalio import activity

from core.database import Database
from core.domain.ids import Prefix, derived_id
from core.gateways.objects import ObjectStore
from core.one_time import OneTimeSecrets
from core.settings import Settings
from models.personal_data import ErasureStatus
from models.repositories import account_messages, erasures, people, personal_data
from models.repositories.account_messages import NewMessage
from models.users import MessageChannel, MessageKind, User
from workflows.ports.personal_data import ErasureActivities, ErasureRef, Farewell, OpenBusiness


class PostgresErasureActivities(ErasureActivities):
    def __init__(self, database: Database, objects: ObjectStore, settings: Settings) -> None:
        self._database = database
        self._objects = objects
        self._settings = settings

    @activity.defn
    async def look_for_open_business(self, step: ErasureRef) -> OpenBusiness:
        counts = await erasures.open_business(self._database, step.user_id)
        status = ErasureStatus.WAITING if counts else ErasureStatus.ERASING
        await erasures.move(self._database, step.user_id, status)
        erasure = await erasures.get(self._database, step.user_id)
        lifetime = timedelta(seconds=self._settings.auth.access_token_seconds)
        return OpenBusiness(counts=counts, tokens_end_at=erasure.created_at + lifetime)

    @activity.defn
    async def write_farewell(self, step: ErasureRef) -> Farewell:
        async with self._database.transaction() as session:
            message = _farewell(step, await people.find(session, step.user_id))
            if message is None:
                return Farewell(message_id=None)
            secrets = OneTimeSecrets.of(self._settings.auth)
            await account_messages.write(session, message, secrets)
        return Farewell(message_id=message.id)

    @activity.defn
    async def delete_files(self, step: ErasureRef) -> None:
        async for key in self._objects.list(personal_data.folder(step.user_id)):
            await self._objects.delete(key)

    @activity.defn
    async def forget_person(self, step: ErasureRef) -> None:
        years = self._settings.personal.keep_orders_years
        async with self._database.transaction() as session:
            traces = await personal_data.find_traces(session, step.user_id)
            kept = await personal_data.count_kept(session, traces, years=years)
            await erasures.note_kept(session, step.user_id, kept)
            await personal_data.forget(session, traces)

    @activity.defn
    async def end_erasure(self, step: ErasureRef) -> None:
        await erasures.end(self._database, step.user_id)


def _farewell(step: ErasureRef, user: User) -> NewMessage | None:
    """To an address that is proven: another may be a stranger's."""
    message_id = derived_id(Prefix.MESSAGE, step.erasure_id, "farewell")
    if user.email is not None and user.email_verified_at is not None:
        channel, recipient = MessageChannel.EMAIL, user.email
    elif user.phone is not None:
        channel, recipient = MessageChannel.SMS, user.phone
    else:
        return None
    return NewMessage(
        id=message_id,
        kind=MessageKind.ACCOUNT_ERASED,
        channel=channel,
        recipient=recipient,
        user_id=step.user_id,
    )
