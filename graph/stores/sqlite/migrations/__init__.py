"""The schema's steps, `NNNN_what.sql`, applied once each and in order. One that was released is never edited."""
