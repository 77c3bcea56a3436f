"""The API: a GraphQL schema over the snapshot and the recommender, its limits, and its transport. Thin by intent."""
