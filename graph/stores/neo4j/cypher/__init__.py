"""Every query of the store, by what it is about. Constants only: no value is ever written into a query.

Above each stands `index:`, what it finds its nodes and edges by, and `rows:`, the bound on what it returns; a test EXPLAINs
each, holds it to the first, and lets it scan nothing. Where a query is the same for several labels or relationship types,
the text has a placeholder (LABEL, TYPE, SOURCE, TARGET, PAIRED) that is replaced by names from `names.py`, literals as well.

Three habits. What is looked up is looked up once: nodes become lists, and rows refer to them by position, which costs a
third less of the server than matching row by row. `REMOVE n.lock` changes nothing and takes a node's write lock (the
property key exists, `schema.LOCK` sees to that), so that what is read after it can't change until the commit. And `id()`
is used, deprecated as it is, where numbers are needed: its values never outlive one transaction or one export.
"""
