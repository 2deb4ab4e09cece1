"""Meta's error shape and the codes the twin can answer with."""

from __future__ import annotations

from typing import Any

from sandbox.ids import new_trace_id

# code -> (HTTP status, title)
CODES: dict[int, tuple[int, str]] = {
    0: (401, "AuthException"),
    1: (400, "An unknown error occurred"),
    2: (503, "Service temporarily unavailable"),
    3: (500, "Application does not have the capability to make this API call."),
    4: (400, "Application request limit reached"),
    10: (403, "Application does not have permission for this action"),
    33: (400, "Object does not exist or has been deleted"),
    100: (400, "Invalid parameter"),
    190: (401, "Invalid OAuth access token - Cannot parse access token"),
    200: (403, "Permissions error"),
    368: (403, "The action attempted has been deemed abusive or is otherwise disallowed"),
    803: (404, "Some of the aliases you requested do not exist"),
    2635: (400, "You are calling a deprecated version of the API"),
    80007: (400, "Rate limit issues"),
    130403: (400, "The business has blocked this user"),
    130429: (400, "Rate limit hit"),
    130472: (400, "User's number is part of an experiment"),
    130497: (403, "Business account is restricted from messaging users in this country."),
    131000: (500, "Something went wrong"),
    131005: (403, "Access denied"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131016: (500, "Service unavailable"),
    131021: (400, "Recipient cannot be sender"),
    131026: (400, "Message undeliverable"),
    131030: (400, "Recipient phone number not in allowed list"),
    131031: (403, "Business Account locked"),
    131037: (400, "The display name needs to be approved"),
    131042: (400, "Business eligibility payment issue"),
    131045: (500, "Incorrect certificate"),
    131047: (400, "Re-engagement message"),
    131048: (400, "Spam rate limit hit"),
    131049: (400, "This message was not delivered to maintain healthy ecosystem engagement."),
    131050: (400, "User has stopped marketing messages from your business"),
    131051: (400, "Unsupported message type"),
    131052: (400, "Media download error"),
    131053: (400, "Media upload error"),
    131055: (400, "Method not allowed"),
    131056: (400, "(Business Account, Consumer Account) pair rate limit hit"),
    131057: (500, "Account in maintenance mode"),
    131062: (400, "Business-scoped user ID is not supported for this message"),
    131064: (400, "Account limited for template misclassification"),
    132000: (400, "Number of parameters does not match the expected number of params"),
    132001: (404, "Template name does not exist in the translation"),
    132005: (400, "Translated text too long"),
    132007: (400, "Template format character policy violated"),
    132012: (400, "Parameter format does not match format in the created template"),
    132015: (400, "Template is paused"),
    132016: (400, "Template is disabled"),
    132018: (400, "Invalid template parameters"),
    133004: (503, "Server temporarily unavailable"),
    133010: (400, "Phone number not registered"),
    134100: (400, "Only marketing messages supported"),
    135000: (400, "Generic user error"),
    2388019: (400, "Message template limit reached"),
    2388299: (400, "Message template variables cannot be at the edge"),
}
_SUBCODES = {33: (100, 33), 130429: (130429, 2494055), 190: (190, 467)}


class GraphError(Exception):
    """One refused call; `details` is what a developer reads."""

    def __init__(self, code: int, details: str, *, message: str | None = None) -> None:
        super().__init__(code, details)
        self.code = code
        self.details = details
        http, title = CODES.get(code, (400, "Unknown error"))
        self.http = http
        self.title = title
        shown = _SUBCODES.get(code, (code, 0))[0]
        self.message = message or f"(#{shown}) {title}"

    def body(self) -> dict[str, Any]:
        """`33` is a subcode: Meta answers code 100 with error_subcode 33."""
        code, subcode = _SUBCODES.get(self.code, (self.code, 0))
        error: dict[str, Any] = {"message": self.message, "type": "OAuthException", "code": code}
        if subcode:
            error["error_subcode"] = subcode
        error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        error["fbtrace_id"] = new_trace_id()
        return {"error": error}

    def status_error(self) -> dict[str, Any]:
        """The element of `statuses[].errors`."""
        return {
            "code": self.code,
            "title": self.title,
            "message": self.title,
            "error_data": {"details": self.details},
            "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
        }


def required(name: str) -> GraphError:
    return GraphError(
        100,
        f"The parameter {name} is required.",
        message=f"(#100) The parameter {name} is required.",
    )


def too_long(name: str, limit: int) -> GraphError:
    text = f"Param {name} must be at most {limit} characters long."
    return GraphError(100, text, message=f"(#100) {text}")


def invalid(details: str) -> GraphError:
    return GraphError(131009, details)
