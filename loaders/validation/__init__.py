"""Which rows are fit to load: rules on columns, each refusal with its reason."""
