/** The live feed: numbered events, kept for resuming, closed after 50 s as the API does. */
const FEED = Date.now().toString(36);
const KEPT = 500;
const CLOSE_AFTER_MS = 50_000;

const events = [];
const listeners = new Set();
let last = 0;

export function publish(name, data) {
  last += 1;
  const event = { id: last, text: `id: ${FEED}-${last}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n` };
  events.push(event);
  if (events.length > KEPT) events.shift();
  for (const response of listeners) response.write(event.text);
}

export function serveFeed(request, response) {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  const resume = /^(.+)-(\d+)$/.exec(request.headers["last-event-id"] ?? "");
  const isKnown = resume?.[1] === FEED && Number(resume[2]) >= (events[0]?.id ?? 1) - 1;
  if (isKnown) {
    for (const event of events) if (event.id > Number(resume[2])) response.write(event.text);
  } else {
    response.write(`id: ${FEED}-${last}\nevent: reset\ndata: {}\n\n`);
  }
  listeners.add(response);
  const timer = setTimeout(() => response.end(), CLOSE_AFTER_MS);
  response.on("close", () => {
    clearTimeout(timer);
    listeners.delete(response);
  });
}
