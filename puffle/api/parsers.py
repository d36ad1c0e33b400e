from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

MAX_BODY_BYTES = 64 * 1024


class RequestTooLarge(APIException):
    status_code = 413
    default_code = "request_too_large"
    default_detail = _("The request body is larger than 64 KiB; send only the documented fields.")


class SmallJSONParser(BaseParser):
    """Parse a JSON body of at most `MAX_BODY_BYTES`.

    REST framework's parser, and any subclass of it, is given a body that was read whole; it takes
    the character set from the client and lets deep nesting end in a RecursionError. JSON is UTF-8
    (RFC 8259, section 8.1).
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise RequestTooLarge
        try:
            return json.loads(body.decode("utf-8"))
        except (ValueError, RecursionError) as exc:
            raise ParseError(_("The request body is not valid JSON in UTF-8.")) from exc
