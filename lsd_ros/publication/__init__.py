"""What may be published: one policy that the node, ``replay`` and ``benchmark`` pass through."""
