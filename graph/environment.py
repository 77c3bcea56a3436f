"""The base of every room's settings: what the environment says wrongly is told in one line, by the variable's name.

Holds no setting itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import AliasChoices, ValidationError
from pydantic_settings import BaseSettings, SettingsError

from graph.errors import InvalidInputError


class EnvironmentSettings(BaseSettings):
    """Settings that are read from the environment when they are made. Raises InvalidInputError for a value that won't do."""

    def __init__(self, **given: Any) -> None:
        try:
            super().__init__(**given)
        except ValidationError as error:
            faults = "; ".join(
                f"{self._called(str(fault['loc'][0]), given)} can't be {fault['input']!r} ({fault['msg']})"
                for fault in error.errors(include_url=False)
            )
            raise InvalidInputError(f"{faults}; correct it, or leave it out for the default") from None
        except SettingsError as error:
            raise InvalidInputError(f'{error}; write lists as JSON, such as \'["a", "b"]\'') from None

    @classmethod
    def _called(cls, name: str, given: Mapping[str, Any]) -> str:
        """What a person calls a field: the option that was given, else the environment's name."""
        if name in given:
            return f"--{name.replace('_', '-')}"
        field = cls.model_fields.get(name)
        if field is None:
            return name
        if isinstance(field.validation_alias, AliasChoices):
            return str(field.validation_alias.choices[0])
        return f"{cls.model_config.get('env_prefix', '')}{name}".upper()
