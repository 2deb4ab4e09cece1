import { useEffect, useState } from "react";

const CLOCK = new Intl.DateTimeFormat("pt-BR", { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat("pt-BR", { weekday: "long", day: "numeric", month: "long" });
const SHORT_DAY = new Intl.DateTimeFormat("pt-BR", { day: "2-digit", month: "2-digit" });
const FULL = new Intl.DateTimeFormat("pt-BR", { dateStyle: "short", timeStyle: "medium" });

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY_MS = 24 * HOUR;

/** The wall clock as state, renewed every `everyMs`. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

const sameDay = (a: Date, b: Date): boolean => a.toDateString() === b.toDateString();

export const formatClock = (at: string): string => CLOCK.format(new Date(at));
export const formatFull = (at: string): string => FULL.format(new Date(at));

/** For a list: the hour today, "ontem", else the date. */
export function formatStamp(at: string, now: number): string {
  const date = new Date(at);
  if (sameDay(date, new Date(now))) return CLOCK.format(date);
  if (sameDay(date, new Date(now - DAY_MS))) return "ontem";
  return SHORT_DAY.format(date);
}

export function formatDay(at: string, now: number): string {
  const date = new Date(at);
  if (sameDay(date, new Date(now))) return "Hoje";
  if (sameDay(date, new Date(now - DAY_MS))) return "Ontem";
  return DAY.format(date);
}

/** "há 3 min"; what lies ahead by clock skew counts as now. */
export function formatAgo(at: string, now: number): string {
  const ms = now - Date.parse(at);
  if (ms < MINUTE) return "agora";
  if (ms < HOUR) return `há ${Math.floor(ms / MINUTE)} min`;
  if (ms < DAY_MS) return `há ${Math.floor(ms / HOUR)} h`;
  return `há ${Math.floor(ms / DAY_MS)} d`;
}

export interface ServiceWindow {
  open: boolean;
  /** Under two hours left: worth answering first. */
  closing: boolean;
  label: string;
}

/** Meta's 24-hour service window, counted down. */
export function serviceWindow(openUntil: string | null, now: number): ServiceWindow {
  if (!openUntil) return { open: false, closing: false, label: "janela fechada" };
  const left = Date.parse(openUntil) - now;
  if (left <= 0) return { open: false, closing: false, label: "janela fechada" };
  const hours = Math.floor(left / HOUR);
  const minutes = Math.floor((left % HOUR) / MINUTE);
  const label = hours > 0 ? `${hours} h ${String(minutes).padStart(2, "0")}` : `${minutes} min`;
  return { open: true, closing: hours < 2, label };
}

export function formatMs(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return `${(ms / 1_000).toLocaleString("pt-BR", { maximumFractionDigits: 1 })} s`;
}
