import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { UserPlus } from "lucide-react";
import { useState } from "react";
import { changeUser, listUsers } from "@/api/endpoints";
import type { Role, User } from "@/api/types";
import { ROLE } from "@/format/words";
import { keys } from "@/live/live-cache";
import { useMe } from "@/session/session";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Page } from "@/ui/page";
import page from "@/ui/page.module.css";
import { Failure, Loading } from "@/ui/states";
import { useToaster } from "@/ui/toast";
import { NewPersonDialog } from "./new-person-dialog";

export function PeopleScreen() {
  const [isAdding, setAdding] = useState(false);
  const users = useQuery({
    queryKey: keys.users,
    queryFn: ({ signal }) => listUsers(signal),
    refetchInterval: 30_000,
  });
  return (
    <Page title="Pessoas" lead="Quem entra no painel. Vendas e suporte veem só as próprias conversas.">
      <p className={page.toolbar}>
        <Button tone="primary" onClick={() => setAdding(true)}>
          <UserPlus size={16} aria-hidden="true" /> Nova pessoa…
        </Button>
      </p>
      {users.isPending && <Loading label="Carregando as pessoas" rows={4} />}
      {users.isError && !users.data && <Failure error={users.error} onRetry={() => void users.refetch()} />}
      {users.data && (
        <div className={page.tableBox}>
          <table className={`${page.table} ${page.middle}`}>
            <thead>
              <tr>
                <th scope="col">Nome</th>
                <th scope="col">E-mail</th>
                <th scope="col">Perfil</th>
                <th scope="col">Situação</th>
                <th scope="col">
                  <span className={page.hidden}>Ações</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {users.data.items.map((user) => (
                <PersonRow key={user.id} user={user} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {isAdding && <NewPersonDialog open onOpenChange={setAdding} />}
    </Page>
  );
}

function PersonRow({ user }: { user: User }) {
  const me = useMe();
  const client = useQueryClient();
  const toaster = useToaster();
  const change = useMutation({
    mutationFn: (wanted: Partial<Pick<User, "role" | "active">>) => changeUser(user.id, wanted),
    onSuccess: () => toaster.done("Alterado"),
    onError: toaster.problem,
    onSettled: () => client.invalidateQueries({ queryKey: keys.users }),
  });
  const isMe = user.id === me.id;
  return (
    <tr>
      <td>
        <strong>{user.name}</strong>
        {isMe && " (você)"}
      </td>
      <td>{user.email}</td>
      <td data-label="perfil">
        <select
          aria-label={`Perfil de ${user.name}`}
          value={user.role}
          disabled={isMe || change.isPending}
          onChange={(event) => change.mutate({ role: event.target.value as Role })}
        >
          {Object.entries(ROLE).map(([role, label]) => (
            <option key={role} value={role}>
              {label}
            </option>
          ))}
        </select>
      </td>
      <td>
        <StateOf user={user} />
      </td>
      <td>
        {!isMe && (
          <Button disabled={change.isPending} onClick={() => change.mutate({ active: !user.active })}>
            {user.active ? "Desligar" : "Religar"}
          </Button>
        )}
      </td>
    </tr>
  );
}

function StateOf({ user }: { user: User }) {
  if (!user.active) return <Badge tone="bad">desligada</Badge>;
  return (
    <>
      <Badge tone={user.online ? "good" : "neutral"}>{user.online ? "online" : "ausente"}</Badge>{" "}
      {user.password_is_initial && <Badge tone="wait">senha inicial</Badge>}
    </>
  );
}
