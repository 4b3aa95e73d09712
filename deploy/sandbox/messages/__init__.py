"""The mailboxes and telephones of all who are written to: SMTP and an API for text messages."""
