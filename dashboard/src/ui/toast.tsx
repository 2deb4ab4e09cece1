import * as RadixToast from "@radix-ui/react-toast";
import { X } from "lucide-react";
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from "react";
import { problemFromUnknown } from "@/api/problem";
import { IconButton } from "./button";
import styles from "./toast.module.css";

interface Toast {
  key: string;
  tone: "bad" | "good";
  title: string;
  detail: string | null;
  advice: string | null;
}

interface Toaster {
  /** Says that something worked. */
  done: (title: string, detail?: string) => void;
  /** Shows an API problem: its title, its detail and what the person can do. */
  problem: (error: unknown) => void;
}

const ToastContext = createContext<Toaster | null>(null);

export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([]);

  const show = useCallback((toast: Omit<Toast, "key">) => {
    setToasts((old) => {
      const isShown = old.some((shown) => shown.title === toast.title && shown.detail === toast.detail);
      return isShown ? old : [...old, { ...toast, key: crypto.randomUUID() }];
    });
  }, []);

  const toaster = useMemo<Toaster>(
    () => ({
      done: (title, detail) => show({ tone: "good", title, detail: detail ?? null, advice: null }),
      problem: (error) => {
        const problem = problemFromUnknown(error);
        show({ tone: "bad", title: problem.title, detail: problem.detail, advice: problem.advice });
      },
    }),
    [show],
  );

  return (
    <ToastContext.Provider value={toaster}>
      <RadixToast.Provider label="Aviso" swipeDirection="right">
        {children}
        {toasts.map((toast) => (
          <RadixToast.Root
            key={toast.key}
            className={`${styles.toast} ${styles[toast.tone]}`}
            duration={toast.tone === "bad" ? 10_000 : 4_000}
            onOpenChange={(open) => {
              if (!open) setToasts((old) => old.filter((shown) => shown.key !== toast.key));
            }}
          >
            <div className={styles.words}>
              <RadixToast.Title className={styles.title}>{toast.title}</RadixToast.Title>
              {toast.detail && <RadixToast.Description>{toast.detail}</RadixToast.Description>}
              {toast.advice && <p className={styles.advice}>{toast.advice}</p>}
            </div>
            <RadixToast.Close asChild>
              <IconButton label="Fechar aviso">
                <X size={16} />
              </IconButton>
            </RadixToast.Close>
          </RadixToast.Root>
        ))}
        <RadixToast.Viewport className={styles.viewport} />
      </RadixToast.Provider>
    </ToastContext.Provider>
  );
}

export function useToaster(): Toaster {
  const toaster = useContext(ToastContext);
  if (!toaster) throw new Error("useToaster needs a ToastProvider above it");
  return toaster;
}
