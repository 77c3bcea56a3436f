"""Who sees which variant, what they were shown, and which variant was better."""
