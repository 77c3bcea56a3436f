"""What a client may be told when something goes wrong, and under which stable code.

`Code` is the whole list: a client may depend on a code, never on a message. Whatever is not meant for a client is masked
here and nowhere else: it is answered as INTERNAL with the request's id, under which the log has the traceback.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from graphql import GraphQLError, GraphQLFormattedError, GraphQLSyntaxError

from graph.errors import InvalidInputError, NotFoundError, TerminalError


class Code(StrEnum):
    """`extensions.code` of every error that this API answers with."""

    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    """The document is not GraphQL."""
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    """The document does not fit the schema."""
    BAD_USER_INPUT = "BAD_USER_INPUT"
    """An argument or variable has a value that can't be used: `first` outside 1 to 100, both `id` and `key`, …"""
    INVALID_ID = "INVALID_ID"
    """A global id that this API never made, or one of another kind than the field takes."""
    INVALID_CURSOR = "INVALID_CURSOR"
    """A cursor that this connection never made."""
    CURSOR_EXPIRED = "CURSOR_EXPIRED"
    """The ranking that the cursor stands in is no longer served; ask for the first page again."""
    NOT_FOUND = "NOT_FOUND"
    """An argument names a node that is not there, or that the viewer may not see, where null can't say so."""
    DOCUMENT_TOO_COMPLEX = "DOCUMENT_TOO_COMPLEX"
    """The document is over a limit: bytes, tokens, depth, fields, aliases or fields under one name."""
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    """The answer was not ready in time; ask for less, or again."""
    BAD_REQUEST = "BAD_REQUEST"
    """The HTTP request is not a GraphQL request."""
    REQUEST_TOO_LARGE = "REQUEST_TOO_LARGE"
    """The body is over the limit."""
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    """The body is not `application/json`; no other type is taken, so that no page of another site can send one unasked."""
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    """Not GET or POST, or a GET of something that is not a query."""
    UNAUTHENTICATED = "UNAUTHENTICATED"
    """No key, or none of ours, where the server has keys."""
    FORBIDDEN = "FORBIDDEN"
    """The key has no scope for this."""
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    """No document of the manifest has this hash; send the document itself, where that is allowed."""
    DOCUMENT_NOT_TRUSTED = "DOCUMENT_NOT_TRUSTED"
    """The server answers the documents of its manifest only."""
    FORBIDDEN_HOST = "FORBIDDEN_HOST"
    """`Host` is not a name of this server."""
    FORBIDDEN_ORIGIN = "FORBIDDEN_ORIGIN"
    """The request comes from a page of another site."""
    UNAVAILABLE = "UNAVAILABLE"
    """Events can't be recorded now; send the same again, with the same ids."""
    INTERNAL = "INTERNAL"
    """Our fault. The message says no more; the log does, under `extensions.requestId`."""


class ApiError(TerminalError):
    """An error for the client, with its code. The message is one line that says what to do about it."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        # Read by graphql-core when it makes a GraphQLError of this.
        self.extensions = {"code": code.value}


class HttpError(ApiError):
    """An error before there is a GraphQL operation, so that it has an HTTP status of its own."""

    def __init__(self, status: int, code: Code, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code, message)
        self.status = status
        self.headers = dict(headers or {})


def bad_input(message: str) -> ApiError:
    """An argument that can't be used."""
    return ApiError(Code.BAD_USER_INPUT, message)


def code_of(error: GraphQLError) -> Code:
    """The code of an error that came out of parsing, validation or execution."""
    if error.extensions and "code" in error.extensions:
        return Code(error.extensions["code"])
    if isinstance(error, GraphQLSyntaxError):
        return Code.GRAPHQL_PARSE_FAILED
    cause = error.original_error
    if isinstance(cause, NotFoundError):
        return Code.NOT_FOUND
    if isinstance(cause, InvalidInputError):
        return Code.BAD_USER_INPUT
    return Code.BAD_USER_INPUT if _is_about_input(error, cause) else Code.INTERNAL


def _is_about_input(error: GraphQLError, cause: Exception | None) -> bool:
    """Whether graphql-core itself raised it, about a variable or an argument.

    Variables have no path in the answer; arguments have one, and point at the document; a result that can't be written has a
    path and points at nothing.
    """
    if cause is None:
        return True
    return isinstance(cause, GraphQLError) and (error.path is None or bool(cause.nodes))


def formatted(error: GraphQLError, request_id: str) -> GraphQLFormattedError:
    """An error as a client sees it: masked if it is ours, with its code and the request's id."""
    code = code_of(error)
    answer = error.formatted
    if code is Code.INTERNAL:
        answer["message"] = "internal error"
    answer["extensions"] = extensions(code, request_id)
    return answer


def extensions(code: Code, request_id: str) -> dict[str, Any]:
    """`extensions` of an error."""
    return {"code": code.value, "requestId": request_id}
