"""GraphiQL, bundled from npm and served by the API itself: exploring needs no network but ours."""
