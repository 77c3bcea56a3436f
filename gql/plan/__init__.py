"""Planned execution: a document is compiled once, and then answered place by place instead of value by value.

graphql-core walks an answer as it grows, and calls a resolver, completes and checks each value on its own: a page of 20 pins is
some hundred calls, each dearer than what it reads. A plan asks each field of the document once for all the sources that stand
in its place (`gql.batch`), and shapes whole columns into JSON.

    variables   what a request gave for the variables, coerced as graphql-core would
    arguments   what a field is given, of literals and variables
    shapes      columns made into objects
    tree        the plan itself: objects, lists, leaves, and what comes later
    compile     from a document to a plan; says Uncovered where it can't
    prepared    the plans of a prepared document

A plan must be invisible: what it answers, graphql-core would have answered, byte for byte. So it knows success alone. Where
anything is amiss (an error, a null where none may be) it gives up, and graphql-core executes the whole document and says what.
Nothing here knows a rule of the API, a viewer or HTTP.
"""
