"""``perdure ops``: what an operator does about orders that do not go on, one or many at once."""
