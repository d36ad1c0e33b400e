"""What Django does not make of a request's body by itself."""

from __future__ import annotations

import io
import re
from typing import Any

from django.conf import settings

_CHARSET = re.compile(r';\s*charset=("[^"]*"?|[^;]*)', re.IGNORECASE)


def prepare(environ: dict[str, Any]) -> None:
    """Give a chunked body a length, and let all text be UTF-8.

    Django reads `CONTENT_LENGTH` bytes, and a chunked request has no such header. With a charset
    that is no text encoding, such as rot13, it fails before any middleware is called.
    """
    environ["CONTENT_TYPE"] = _CHARSET.sub("", environ.get("CONTENT_TYPE", ""))
    if environ.get("wsgi.input_terminated") and not environ.get("CONTENT_LENGTH"):
        # One byte more than allowed is enough to be refused.
        body = environ["wsgi.input"].read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ["wsgi.input"] = io.BytesIO(body)
