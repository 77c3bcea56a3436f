"""What people do now, append-only and in order, before it reaches the store."""
