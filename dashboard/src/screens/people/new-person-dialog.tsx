import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { createUser } from "@/api/endpoints";
import type { Role } from "@/api/types";
import { ROLE } from "@/format/words";
import { keys } from "@/live/live-cache";
import { FormDialog } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { useToaster } from "@/ui/toast";

/** Letters and figures that nobody mistakes for one another. */
const ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789";

function firstPassword(): string {
  const draws = crypto.getRandomValues(new Uint32Array(14));
  return Array.from(draws, (draw) => ALPHABET[draw % ALPHABET.length]).join("");
}

export function NewPersonDialog({
  open,
  onOpenChange,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) {
  const client = useQueryClient();
  const toaster = useToaster();
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("vendor");
  const [password] = useState(firstPassword);
  const create = useMutation({
    mutationFn: () => createUser({ name: name.trim(), email: email.trim(), role, password }),
    onSuccess: () => {
      toaster.done(`${name.trim()} já pode entrar`);
      onOpenChange(false);
    },
    onError: toaster.problem,
    onSettled: () => client.invalidateQueries({ queryKey: keys.users }),
  });
  return (
    <FormDialog
      open={open}
      onOpenChange={onOpenChange}
      title="Nova pessoa"
      description="Entregue a senha inicial a ela; ao entrar, ela escolhe outra."
      confirm="Criar"
      busy={create.isPending}
      disabled={name.trim() === "" || !email.includes("@")}
      onConfirm={() => create.mutate()}
    >
      <Field label="Nome">
        {(props) => (
          <input {...props} value={name} maxLength={100} onChange={(event) => setName(event.target.value)} />
        )}
      </Field>
      <Field label="E-mail">
        {(props) => (
          <input {...props} type="email" value={email} onChange={(event) => setEmail(event.target.value)} />
        )}
      </Field>
      <Field label="Perfil">
        {(props) => (
          <select {...props} value={role} onChange={(event) => setRole(event.target.value as Role)}>
            {Object.entries(ROLE).map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label="Senha inicial" hint="Copie agora: depois de criar, ela não aparece mais.">
        {(props) => <input {...props} readOnly value={password} onFocus={(event) => event.target.select()} />}
      </Field>
    </FormDialog>
  );
}
