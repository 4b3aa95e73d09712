"""What workflows ask of the world: activity interfaces and their frozen payloads."""
