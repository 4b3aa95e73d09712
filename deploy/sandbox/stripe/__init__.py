"""Stripe's wire format: form-encoded requests, JSON objects, its errors, keys and events."""
