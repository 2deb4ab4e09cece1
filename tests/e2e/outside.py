"""A Graph and a model of nobody's: the smallest servers that conform. Not the sandbox.

The Graph answers sends and nothing else (no reads, no number polls, no statuses); the model answers
plain text, ignoring tools and schema. The product must not be stopped by either.
"""

from __future__ import annotations

import argparse
import json

import uvicorn
from fastapi import FastAPI, Request, Response

app = FastAPI()
sent: list[dict[str, object]] = []


@app.post("/graph/{version}/{number}/messages")
async def send(number: str, request: Request) -> Response:
    body = await request.json()
    if body.get("status") == "read" or "type" not in body:
        return Response('{"error": {"code": 100, "message": "unsupported"}}', status_code=400)
    sent.append({"number": number, **body})
    answer = {
        "messaging_product": "whatsapp",
        "contacts": [{"input": body["to"], "wa_id": str(body["to"]).lstrip("+")}],
        "messages": [{"id": f"wamid.OUTSIDE{len(sent)}"}],
    }
    return Response(json.dumps(answer), media_type="application/json")


@app.get("/sent")
async def read_sent() -> list[dict[str, object]]:
    return sent


@app.post("/model/v1/messages")
async def answer(request: Request) -> dict[str, object]:
    body = await request.json()
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": body["model"],
        "content": [{"type": "text", "text": "Bom dia! Como posso ajudar?"}],
        "stop_reason": "end_turn", "stop_sequence": None,
        "usage": {"input_tokens": 11, "output_tokens": 7},
    }  # fmt: skip


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("port", type=int)
    uvicorn.run(app, host="127.0.0.1", port=arguments.parse_args().port, log_level="warning")
