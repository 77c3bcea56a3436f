"""From snapshot, artifact and overlay to ranked answers, each with its reasons."""
