"""Paystack's API as far as the platform uses it (paystack.com/docs/api)."""
