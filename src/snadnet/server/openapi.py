"""The interface for programs, described as OpenAPI 3.1, and the same as a page to read."""

from html import escape
from typing import Any

from snadnet import __version__
from snadnet.server.settings import ServerSettings

_QUERY: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("weights", {"type": "string", "enum": ["fidelity", "natural"]}, "Least error, or the look of a sharp photo."),
    ("strength", {"type": "number", "minimum": 0, "maximum": 1, "default": 1}, "Part of the restoration to apply."),
    ("face", {"type": "string", "default": "all"}, "all, largest, or a face's number; 1 is the largest."),
    ("box", {"type": "string"}, "X,Y,W,H: restore the face in this box, in pixels of the upright photo."),
    ("aligned", {"type": "boolean", "default": False}, "The photo is itself a face crop of 64 px or more."),
    ("strip_metadata", {"type": "boolean", "default": False}, "Leave out all that a file says besides its pixels."),
    ("as", {"type": "string", "enum": ["image", "json"]}, "What to answer; without it, the Accept header decides."),
)
_ERRORS = {
    400: "an option is unknown or out of range",
    403: "the request comes from another site's page",
    408: "the photo took too long to arrive",
    413: "the file is larger than the limit",
    422: "the photo cannot be read, or is over the limit of pixels",
    500: "an error of the service itself",
    503: "as many photos wait as may; try again after Retry-After seconds",
    504: "the photo took longer than the time limit",
}


def openapi_document(settings: ServerSettings) -> dict[str, Any]:
    """The interface as OpenAPI 3.1, with this service's limits."""
    limits = settings.limits
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    binary = {"schema": {"type": "string", "format": "binary"}}
    form = {
        "schema": {
            "type": "object",
            "properties": {"photo": {"type": "string", "format": "binary"}},
            "required": ["photo"],
        }
    }
    restore: dict[str, Any] = {
        "summary": "Deblur the faces in a photo",
        "description": (
            f"At most {limits.max_file_bytes / 1e6:g} MB and {limits.max_pixels / 1e6:g} megapixels. The result is an "
            "estimate, not evidence. Photos are kept in memory only, until they are answered."
        ),
        "parameters": [
            {"name": name, "in": "query", "schema": schema, "description": text} for name, schema, text in _QUERY
        ],
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": binary, "image/*": binary, "multipart/form-data": form},
        },
        "responses": {
            "200": {
                "description": "the restored photo, in its own format, or with as=json what was found and done",
                "content": {
                    "image/*": binary,
                    "application/json": {"schema": {"$ref": "#/components/schemas/Restoration"}},
                },
            },
            **{str(status): {"description": text, **error} for status, text in _ERRORS.items()},
        },
    }
    restore["responses"]["503"]["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}
    simple = {"200": {"description": "yes"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "snadnet", "version": __version__, "description": "Deblurs the faces in photos."},
        "paths": {
            "/restore": {"post": restore},
            "/health": {"get": {"summary": "Whether the service runs", "responses": simple}},
            "/ready": {
                "get": {
                    "summary": "Whether it takes a photo now",
                    "responses": {**simple, "503": {"description": "busy or stopping"}},
                }
            },
        },
        "components": {"schemas": _schemas()},
    }


def _schemas() -> dict[str, Any]:
    number, text = {"type": "number"}, {"type": "string"}
    box = {"type": "array", "items": number, "minItems": 4, "maxItems": 4, "description": "x, y, width, height in px"}
    found = {"number": {"type": "integer"}, "box": box, "confidence": number}
    blur = {
        "type": ["object", "null"],
        "description": (
            "the estimated motion, its length in px and its angle in degrees, and what the result, blurred by it, "
            "leaves unexplained of the photo, beside the photo's noise; null where the network does not say"
        ),
        "properties": {
            **dict.fromkeys(("length", "angle", "unexplained", "noise"), number),
            "in_light": {"type": "boolean"},
            "explains": {"enum": ["well", "partly", "hardly"]},
        },
    }
    landmarks = {
        "type": "array",
        "items": {"type": "array", "items": number},
        "description": "five points x, y: the eyes, the tip of the nose, the corners of the mouth",
    }
    face = {**found, "landmarks": landmarks, "sharpness_before": number, "sharpness_after": number, "blur": blur}
    return {
        "Error": {"type": "object", "properties": {"error": text, "message": text}, "required": ["error", "message"]},
        "Restoration": {
            "type": "object",
            "properties": {
                "summary": text,
                "width": {"type": "integer"},
                "height": {"type": "integer"},
                "faces": {"type": "array", "items": {"type": "object", "properties": face}},
                "skipped_faces": {
                    "type": "array",
                    "items": {"type": "object", "properties": {**found, "reason": text}},
                },
                "notes": {"type": "array", "items": text},
            },
            "required": ["summary", "width", "height", "faces", "skipped_faces", "notes"],
        },
    }


def openapi_page(settings: ServerSettings) -> str:
    """The interface as a page without scripts."""
    restore = openapi_document(settings)["paths"]["/restore"]["post"]
    options = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(str(schema.get('enum', schema['type'])))}</td>"
        f"<td>{escape(text)}</td></tr>"
        for name, schema, text in _QUERY
    )
    errors = "".join(f"<tr><td>{status}</td><td>{escape(text)}</td></tr>" for status, text in _ERRORS.items())
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>snadnet: HTTP interface</title><link rel="stylesheet" href="static/page.css"></head><body>
<h1>snadnet over HTTP</h1>
<p>{escape(restore["description"])}</p>
<pre>curl --data-binary @shaky.jpg 'http://HOST:PORT/restore?strength=0.8' -o sharp.jpg
curl -F photo=@shaky.jpg 'http://HOST:PORT/restore?as=json'</pre>
<h2>Options of <code>POST /restore</code></h2>
<table><thead><tr><th>name</th><th>values</th><th>meaning</th></tr></thead><tbody>{options}</tbody></table>
<h2>Errors</h2>
<p>JSON with <code>error</code> (a word) and <code>message</code> (one line with the remedy).</p>
<table><thead><tr><th>status</th><th>when</th></tr></thead><tbody>{errors}</tbody></table>
<p>For programs: <a href="openapi.json">openapi.json</a>. <code>GET /health</code>: it runs.
<code>GET /ready</code>: it takes a photo now.</p></body></html>
"""
