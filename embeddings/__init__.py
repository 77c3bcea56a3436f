"""From a snapshot to vectors, an index and a published artifact. Only six of its files know dgl and torch."""

import os

# DGL otherwise complains at import, and writes a configuration file into the user's home.
os.environ.setdefault("DGLBACKEND", "pytorch")
