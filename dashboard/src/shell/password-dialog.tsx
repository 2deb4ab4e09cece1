import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { changePassword } from "@/api/endpoints";
import { keys } from "@/live/live-cache";
import { FormDialog } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { useToaster } from "@/ui/toast";

const MIN_LENGTH = 10;

export function PasswordDialog({
  open,
  onOpenChange,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) {
  const client = useQueryClient();
  const toaster = useToaster();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const change = useMutation({
    mutationFn: () => changePassword(current, next),
    onSuccess: () => {
      toaster.done("Senha trocada; as outras sessões foram encerradas");
      void client.invalidateQueries({ queryKey: keys.me });
      onOpenChange(false);
    },
    onError: toaster.problem,
  });
  const differs = again !== "" && again !== next;
  return (
    <FormDialog
      open={open}
      onOpenChange={onOpenChange}
      title="Trocar a senha"
      description="As suas outras sessões terminam na hora."
      confirm="Trocar"
      busy={change.isPending}
      disabled={current === "" || next.length < MIN_LENGTH || again !== next}
      onConfirm={() => change.mutate()}
    >
      <Field label="Senha atual">
        {(props) => (
          <input
            {...props}
            type="password"
            autoComplete="current-password"
            value={current}
            onChange={(event) => setCurrent(event.target.value)}
          />
        )}
      </Field>
      <Field label="Senha nova" hint={`Pelo menos ${MIN_LENGTH} caracteres; uma frase é boa.`}>
        {(props) => (
          <input
            {...props}
            type="password"
            autoComplete="new-password"
            value={next}
            onChange={(event) => setNext(event.target.value)}
          />
        )}
      </Field>
      <Field label="Senha nova, de novo" hint={differs ? "As duas não são iguais." : null}>
        {(props) => (
          <input
            {...props}
            type="password"
            autoComplete="new-password"
            value={again}
            onChange={(event) => setAgain(event.target.value)}
          />
        )}
      </Field>
    </FormDialog>
  );
}
