"""From a snapshot to vectors, an index and a published artifact. Only six of its files know dgl and torch."""

import os

# DGL otherwise complains at import, and writes a configuration file into the user's home.
os.environ.setdefault("DGLBACKEND", "pytorch")
# Threads that wait for each other by spinning take the cores from whoever they wait for: 20 times slower on a busy machine.
# Read when the first library with OpenMP is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
