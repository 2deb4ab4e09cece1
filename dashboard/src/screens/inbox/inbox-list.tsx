import { Inbox, Search } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useSearchParams } from "react-router";
import type { InboxFilter } from "@/api/endpoints";
import { useNow } from "@/format/time";
import { useIsSupervisor } from "@/session/session";
import { Button } from "@/ui/button";
import { Empty, Failure, Loading } from "@/ui/states";
import styles from "./inbox.module.css";
import { InboxRow } from "./inbox-row";
import { useInbox } from "./use-inbox";
import { useListKeys } from "./use-list-keys";

const TABS: { filter: InboxFilter; param: string; label: string; empty: string }[] = [
  { filter: "all", param: "todas", label: "Todas", empty: "Nenhuma conversa ainda." },
  { filter: "agent", param: "ia", label: "IA", empty: "A IA não está falando com ninguém agora." },
  { filter: "queue", param: "fila", label: "Na fila", empty: "Ninguém espera por uma pessoa." },
  { filter: "operator", param: "pessoas", label: "Pessoas", empty: "Nenhuma conversa com pessoas agora." },
  { filter: "closed", param: "encerradas", label: "Encerradas", empty: "Nenhuma conversa encerrada." },
];

const SEARCH_DELAY_MS = 250;

export function InboxList({ openId }: { openId: string | null }) {
  const [params, setParams] = useSearchParams();
  const isSupervisor = useIsSupervisor();
  const tab = TABS.find(({ param }) => param === params.get("modo")) ?? TABS[0];
  const search = params.get("q") ?? "";
  const list = useRef<HTMLUListElement>(null);
  const searchBox = useRef<HTMLInputElement>(null);
  const inbox = useInbox(tab?.filter ?? "all", search);
  const now = useNow(30_000);
  useListKeys({ list, search: searchBox });

  const change = (name: "modo" | "q", value: string) =>
    setParams(
      (old) => {
        if (value) old.set(name, value);
        else old.delete(name);
        return old;
      },
      { replace: true },
    );

  return (
    <section className={styles.list} aria-label="Conversas">
      <header className={styles.header}>
        <h1>Conversas</h1>
        <SearchBox inputRef={searchBox} value={search} onChange={(value) => change("q", value)} />
        <div className={styles.tabs} role="toolbar" aria-label="Filtrar">
          {TABS.filter(({ filter }) => isSupervisor || filter !== "agent").map(({ filter, param, label }) => (
            <button
              key={filter}
              type="button"
              aria-pressed={tab?.filter === filter}
              onClick={() => change("modo", filter === "all" ? "" : param)}
            >
              {label}
            </button>
          ))}
        </div>
      </header>
      <div className={styles.scroll}>
        {inbox.isPending && <Loading label="Carregando conversas" />}
        {inbox.isError && !inbox.data && <Failure error={inbox.error} onRetry={() => void inbox.refetch()} />}
        {inbox.data?.length === 0 && (
          <Empty icon={<Inbox size={40} />} title={search ? "Nada encontrado" : (tab?.empty ?? "")}>
            {search ? "Busque por nome, telefone ou um trecho da mensagem." : null}
          </Empty>
        )}
        <ul ref={list}>
          {inbox.data?.map((item) => (
            <li key={item.id}>
              <InboxRow item={item} isOpen={item.id === openId} now={now} query={params.toString()} />
            </li>
          ))}
        </ul>
        {inbox.hasNextPage && (
          <MoreButton busy={inbox.isFetchingNextPage} onMore={() => void inbox.fetchNextPage()} />
        )}
      </div>
    </section>
  );
}

interface SearchBoxProps {
  inputRef: React.RefObject<HTMLInputElement | null>;
  value: string;
  onChange: (value: string) => void;
}

function SearchBox({ inputRef, value, onChange }: SearchBoxProps) {
  const [text, setText] = useState(value);
  const latest = useRef(onChange);
  latest.current = onChange;

  useEffect(() => {
    if (text.trim() === value) return;
    const timer = setTimeout(() => latest.current(text.trim()), SEARCH_DELAY_MS);
    return () => clearTimeout(timer);
  }, [text, value]);

  return (
    <label className={styles.search}>
      <Search size={16} aria-hidden="true" />
      <span className="visually-hidden">Buscar por nome, telefone ou mensagem</span>
      <input
        ref={inputRef}
        type="search"
        placeholder="Nome, telefone ou mensagem"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            setText("");
            event.currentTarget.blur();
          }
        }}
      />
    </label>
  );
}

/** Loads by itself when it scrolls into view; the button stays for the keyboard. */
function MoreButton({ busy, onMore }: { busy: boolean; onMore: () => void }) {
  const button = useRef<HTMLDivElement>(null);
  const latest = useRef(onMore);
  latest.current = onMore;

  useEffect(() => {
    const target = button.current;
    if (!target || busy) return;
    const observer = new IntersectionObserver(([entry]) => {
      if (entry?.isIntersecting) latest.current();
    });
    observer.observe(target);
    return () => observer.disconnect();
  }, [busy]);

  return (
    <div ref={button} className={styles.more}>
      <Button tone="ghost" disabled={busy} onClick={onMore}>
        {busy ? "Carregando…" : "Mostrar mais"}
      </Button>
    </div>
  );
}
