import { type RefObject, useEffect } from "react";

interface Targets {
  list: RefObject<HTMLElement | null>;
  search: RefObject<HTMLInputElement | null>;
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest("input, textarea, select, [role=dialog], [role=menu]") !== null
  );
}

/** j and k walk through the rows, Enter opens the focused one (it is a link), / goes to the search. */
export function useListKeys({ list, search }: Targets): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (event.key === "/") {
        event.preventDefault();
        search.current?.focus();
        return;
      }
      const step = event.key === "j" ? 1 : event.key === "k" ? -1 : 0;
      if (step === 0 || !list.current) return;
      const rows = [...list.current.querySelectorAll<HTMLElement>("[data-row]")];
      const focused = rows.indexOf(document.activeElement as HTMLElement);
      const open = rows.findIndex((row) => row.getAttribute("aria-current") === "page");
      const from = focused === -1 ? open : focused;
      const next = rows[Math.min(rows.length - 1, Math.max(0, from + step))];
      next?.focus();
      next?.scrollIntoView({ block: "nearest" });
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [list, search]);
}
