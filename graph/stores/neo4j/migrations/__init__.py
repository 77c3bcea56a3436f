"""The schema's steps, `NNNN_what.cypher`, applied once each and in order. One that was released is never edited.

Statements end with a semicolon and change nothing when they are run again (`IF NOT EXISTS`): a run that was killed between
a statement and its record is repeated.
"""
