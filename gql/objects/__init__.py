"""The types of the schema by domain. They map rows of the snapshot and answers of `recommend`; they decide nothing."""
