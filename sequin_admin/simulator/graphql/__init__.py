"""GraphQL for simulated providers: `graphql-core` parses, validates and executes documents.

A provider has a schema (`schema.graphql` in its folder) and root values: dictionaries whose
callables take `info` and the arguments. `documents` runs a request, `selections` says what it
selects, by which a provider counts its cost, and `pages` makes connections of rows that live.
"""
