"""The domain and where it is kept. Imports nothing of ours: every other room builds on this one."""
