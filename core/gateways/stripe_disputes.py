"""Disputes at Stripe: seen, answered with evidence, or given up."""

from __future__ import annotations

from datetime import datetime

import stripe
from stripe.params import DisputeListParams, DisputeUpdateParamsEvidence

from core.domain.provider_books import Evidence, Page, ProviderDispute
from core.domain.statuses import DisputeStatus
from core.gateways import stripe_client
from core.gateways.stripe_client import begin, domain_errors, page_of
from core.gateways.stripe_mapping_books import dispute_of


class StripeDisputes:
    """The disputes of ``PaymentGateway``."""

    _client: stripe.StripeClient

    async def list_disputes(
        self, since: datetime, cursor: str | None = None
    ) -> Page[ProviderDispute]:
        """See ``PaymentGateway``; the newest first."""
        params: DisputeListParams = {
            "created": {"gte": begin(since)},
            "limit": stripe_client.PAGE_SIZE,
        }
        if cursor is not None:
            params["starting_after"] = cursor
        with domain_errors():
            listed = await self._client.v1.disputes.list_async(params)
        return page_of(listed, dispute_of)

    async def fetch_dispute(self, provider_dispute_id: str) -> ProviderDispute:
        """See ``PaymentGateway``."""
        with domain_errors():
            dispute = await self._client.v1.disputes.retrieve_async(provider_dispute_id)
        return dispute_of(dispute.to_dict())

    async def submit_evidence(
        self, provider_dispute_id: str, evidence: Evidence, *, key: str
    ) -> ProviderDispute:
        """Send the evidence to the bank; a dispute that has some already is returned as it is.

        Raises:
            ProviderRejectedError: the dispute is closed and nothing was ever submitted.
        """
        with domain_errors():
            try:
                dispute = await self._client.v1.disputes.update_async(
                    provider_dispute_id,
                    {"evidence": _words_of(evidence), "submit": True},
                    {"idempotency_key": key},
                )
            except stripe.InvalidRequestError:
                present = await self.fetch_dispute(provider_dispute_id)
                if not present.evidence_submitted:
                    raise
                return present
        return dispute_of(dispute.to_dict())

    async def accept_dispute(self, provider_dispute_id: str, *, key: str) -> ProviderDispute:
        """See ``PaymentGateway``; one that is lost already is returned as it is."""
        with domain_errors():
            try:
                dispute = await self._client.v1.disputes.close_async(
                    provider_dispute_id, {}, {"idempotency_key": key}
                )
            except stripe.InvalidRequestError:
                present = await self.fetch_dispute(provider_dispute_id)
                if present.status is not DisputeStatus.LOST:
                    raise
                return present
        return dispute_of(dispute.to_dict())


def _words_of(evidence: Evidence) -> DisputeUpdateParamsEvidence:
    words: DisputeUpdateParamsEvidence = {"uncategorized_text": evidence.explanation}
    if evidence.customer_name is not None:
        words["customer_name"] = evidence.customer_name
    if evidence.customer_email is not None:
        words["customer_email_address"] = evidence.customer_email
    if evidence.product_description is not None:
        words["product_description"] = evidence.product_description
    if evidence.shipping_carrier is not None:
        words["shipping_carrier"] = evidence.shipping_carrier
    if evidence.shipping_tracking_number is not None:
        words["shipping_tracking_number"] = evidence.shipping_tracking_number
    if evidence.shipping_date is not None:
        words["shipping_date"] = evidence.shipping_date
    return words
