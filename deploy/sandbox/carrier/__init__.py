"""The carrier: shipments are booked, handed over, tracked by themselves and told by webhook."""
