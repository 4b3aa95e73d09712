"""Workflow ids from business keys: the same business, the same workflow."""

from __future__ import annotations


def checkout(order_id: str) -> str:
    return f"checkout/{order_id}"


def hold(hold_id: str) -> str:
    return f"hold/{hold_id}"


def fulfillment(order_id: str) -> str:
    return f"fulfillment/{order_id}"


def shipment(shipment_id: str) -> str:
    return f"shipment/{shipment_id}"


def capture(payment_id: str, number: int) -> str:
    return f"capture/{payment_id}/{number}"


def webhook(provider: str, event_id: str) -> str:
    return f"webhook/{provider}/{event_id}"


def refund(refund_id: str) -> str:
    return f"refund/{refund_id}"


def dispute(dispute_id: str) -> str:
    return f"dispute/{dispute_id}"


def reconciliation(provider: str) -> str:
    return f"reconciliation/{provider}"


def settlement(settlement_id: str) -> str:
    return f"settlement/{settlement_id}"


def return_(return_id: str) -> str:
    return f"return/{return_id}"


def repair(difference_id: str) -> str:
    return f"repair/{difference_id}"


def account_message(message_id: str) -> str:
    return f"account-message/{message_id}"


def erasure(user_id: str) -> str:
    return f"erasure/{user_id}"


def personal_export(export_id: str) -> str:
    return f"personal-export/{export_id}"


def media(media_id: str) -> str:
    return f"media/{media_id}"


def job(job_id: str) -> str:
    return f"job/{job_id}"


def reindex(index: str) -> str:
    return f"reindex/{index}"


def catalogue_sync(consumer: str) -> str:
    return f"catalogue-sync/{consumer}"
