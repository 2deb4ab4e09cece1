import { expect, test } from "vitest";
import { formatCost } from "@/format/money";
import { formatStamp, serviceWindow } from "@/format/time";
import { errorWords, messagingLimit, speakerOf } from "@/format/words";
import { credentialsFrom } from "@/screens/login/credentials";
import { groupMetrics } from "@/screens/system/metrics";
import { anItem } from "./factories";

const NOW = Date.parse("2026-11-10T12:00:00Z");

test("a cost below one centavo is not shown as nothing", () => {
  expect(formatCost(0, 310)).toBe("< R$ 0,01");
  expect(formatCost(0, 0)).toMatch(/^R\$\s0,00$/);
  expect(formatCost(1234, 0)).toMatch(/^R\$\s12,34$/);
});

test("the service window counts down, warns under two hours and closes", () => {
  expect(serviceWindow("2026-11-11T07:05:00Z", NOW)).toEqual({
    open: true,
    closing: false,
    label: "19 h 05",
  });
  expect(serviceWindow("2026-11-10T12:40:00Z", NOW)).toEqual({ open: true, closing: true, label: "40 min" });
  expect(serviceWindow("2026-11-10T12:00:00Z", NOW).open).toBe(false);
  expect(serviceWindow(null, NOW).open).toBe(false);
});

test("yesterday is called yesterday", () => {
  expect(formatStamp("2026-11-09T12:00:00Z", NOW)).toBe("ontem");
});

test("a queued conversation says its place, whoever speaks meanwhile", () => {
  const handoff = {
    id: "h",
    reason: "r",
    priority: "high",
    state: "queued",
    queued_at: "",
    position: 2,
  } as const;
  expect(speakerOf(anItem({ id: "a", handoff }))).toEqual({ kind: "queue", label: "Na fila · 2º" });
});

test("a failed message names Meta's code", () => {
  expect(errorWords({ code: 131026, title: "Não entregue", detail: "sem WhatsApp" })).toBe(
    "Não entregue. sem WhatsApp (código 131026)",
  );
  expect(errorWords({ code: "fenced", title: "Uma pessoa assumiu", detail: null })).toBe(
    "Uma pessoa assumiu",
  );
  expect(errorWords(null)).toBeNull();
});

test("one-click credentials keep a plus in the address and need both parts", () => {
  expect(credentialsFrom("#email=ana+1@x.com&password=a%26b")).toEqual({
    email: "ana+1@x.com",
    password: "a&b",
  });
  expect(credentialsFrom("#email=ana@x.com")).toBeNull();
  expect(credentialsFrom("")).toBeNull();
});

test("Meta's tiers are read as figures", () => {
  expect(messagingLimit("TIER_10K")).toBe("10 mil");
  expect(messagingLimit("TIER_UNLIMITED")).toBe("sem limite");
  expect(messagingLimit(null)).toBe("—");
});

test("metrics are grouped and named, units and unknown names included", () => {
  const groups = groupMetrics({
    latency_ms: { median: 1500 },
    queue: { oldest_s: 90 },
    odd: { new_thing: 2 },
    on: true,
  });
  expect(groups.map(({ title }) => title)).toEqual(["Tempo de um turno hoje", "Fila de pessoas", "odd"]);
  expect(groups.flatMap(({ figures }) => figures.map(({ label, value }) => `${label}: ${value}`))).toEqual([
    "mediana: 1,5 s",
    "espera mais longa: 90 s",
    "new thing: 2",
  ]);
});
