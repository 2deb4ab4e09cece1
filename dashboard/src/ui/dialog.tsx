import * as RadixDialog from "@radix-ui/react-dialog";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { Button, IconButton } from "./button";
import styles from "./dialog.module.css";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description: string;
  children?: ReactNode;
  confirm: string;
  danger?: boolean;
  busy: boolean;
  disabled?: boolean;
  onConfirm: () => void;
}

/** A question with a form: Enter or the button confirms, Esc leaves. */
export function FormDialog(props: Props) {
  return (
    <RadixDialog.Root open={props.open} onOpenChange={props.onOpenChange}>
      <RadixDialog.Portal>
        <RadixDialog.Overlay className={styles.overlay} />
        <RadixDialog.Content className={styles.content}>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              if (!props.busy && !props.disabled) props.onConfirm();
            }}
          >
            <header className={styles.header}>
              <RadixDialog.Title className={styles.title}>{props.title}</RadixDialog.Title>
              <RadixDialog.Close asChild>
                <IconButton label="Fechar">
                  <X size={18} />
                </IconButton>
              </RadixDialog.Close>
            </header>
            <RadixDialog.Description className={styles.description}>
              {props.description}
            </RadixDialog.Description>
            {props.children}
            <footer className={styles.footer}>
              <RadixDialog.Close asChild>
                <Button>Cancelar</Button>
              </RadixDialog.Close>
              <Button
                type="submit"
                tone={props.danger ? "danger" : "primary"}
                disabled={props.busy || props.disabled === true}
              >
                {props.busy ? "Um momento…" : props.confirm}
              </Button>
            </footer>
          </form>
        </RadixDialog.Content>
      </RadixDialog.Portal>
    </RadixDialog.Root>
  );
}
