import { useQuery } from "@tanstack/react-query";
import { Cpu } from "lucide-react";
import { Link } from "react-router";
import { listActors } from "@/api/endpoints";
import type { RayActor } from "@/api/types";
import { formatBytes, formatCount } from "@/format/money";
import { formatAgo, useNow } from "@/format/time";
import { ACTOR_KIND } from "@/format/words";
import { keys } from "@/live/live-cache";
import { Badge } from "@/ui/badge";
import { Page } from "@/ui/page";
import page from "@/ui/page.module.css";
import { Empty, Failure, Loading } from "@/ui/states";

export function ActorsScreen() {
  const actors = useQuery({
    queryKey: keys.actors,
    queryFn: ({ signal }) => listActors(signal),
    refetchInterval: 5_000,
  });
  const items = actors.data?.items ?? [];
  const hosts = items.filter(({ kind }) => kind === "own" || kind === "shared");
  const resident = hosts.reduce((sum, actor) => sum + actor.resident, 0);
  return (
    <Page
      title="Atores"
      lead={`${counted(resident, "conversa acordada", "conversas acordadas")} em ${counted(hosts.length, "ator Ray", "atores Ray")}. As demais dormem no banco e acordam com a próxima mensagem.`}
    >
      {actors.isPending && <Loading label="Carregando atores" rows={4} />}
      {actors.isError && !actors.data && (
        <Failure error={actors.error} onRetry={() => void actors.refetch()} />
      )}
      {actors.data && items.length === 0 && (
        <Empty icon={<Cpu size={40} />} title="Nenhum ator no ar">
          Eles aparecem quando o sistema termina de subir.
        </Empty>
      )}
      {items.length > 0 && (
        <div className={page.tableBox}>
          <table className={page.table}>
            <thead>
              <tr>
                <th scope="col">Nome</th>
                <th scope="col">Tipo</th>
                <th scope="col">Nó / pid</th>
                <th scope="col" className={page.number}>
                  Conversas
                </th>
                <th scope="col" className={page.number}>
                  Caixa
                </th>
                <th scope="col" className={page.number}>
                  Memória
                </th>
                <th scope="col">Sinal de vida</th>
              </tr>
            </thead>
            <tbody>
              {items.map((actor) => (
                <ActorRow key={actor.actor_id} actor={actor} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Page>
  );
}

const counted = (count: number, one: string, many: string): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`;

function ActorRow({ actor }: { actor: RayActor }) {
  const now = useNow(5_000);
  const mailbox = actor.conversations.reduce((sum, conversation) => sum + conversation.mailbox, 0);
  return (
    <tr>
      <td>
        <code>{actor.name}</code>
        <Residents actor={actor} />
      </td>
      <td>
        <Badge tone={actor.kind === "own" ? "agent" : "neutral"}>
          {ACTOR_KIND[actor.kind] ?? actor.kind}
        </Badge>
      </td>
      <td data-label="nó / pid">
        {actor.node} / {actor.pid}
      </td>
      <td data-label="conversas" className={page.number}>
        {formatCount(actor.resident)}
      </td>
      <td data-label="caixa" className={page.number}>
        {formatCount(mailbox)}
      </td>
      <td className={page.number}>{formatBytes(actor.memory_bytes)}</td>
      <td data-label="vivo">{actor.heartbeat_at ? formatAgo(actor.heartbeat_at, now) : "—"}</td>
    </tr>
  );
}

function Residents({ actor }: { actor: RayActor }) {
  const listed = actor.conversations.length;
  if (listed === 0) return null;
  const which =
    listed < actor.resident ? `as ${formatCount(listed)} conversas mais recentes` : "as conversas";
  return (
    <details>
      <summary>ver {actor.resident === 1 ? "a conversa" : which}</summary>
      <ul className={page.residents}>
        {actor.conversations.map(({ id, mailbox, epoch, state }) => (
          <li key={id}>
            <Link to={`/conversas/${id}`}>…{id.slice(-8)}</Link> {state} · época {epoch} · caixa {mailbox}
          </li>
        ))}
      </ul>
    </details>
  );
}
