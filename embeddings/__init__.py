"""From a snapshot to vectors, an index and a published artifact. Only six of its files know dgl and torch."""
