import { type FormEvent, useCallback, useEffect, useRef, useState } from "react";
import { useLocation, useNavigate } from "react-router";
import { logIn } from "@/api/endpoints";
import { ApiProblem, problemFromUnknown } from "@/api/problem";
import { openSession } from "@/session/vault";
import { Button } from "@/ui/button";
import { Field } from "@/ui/field";
import { credentialsFrom } from "./credentials";
import styles from "./login.module.css";

export function LoginScreen() {
  const navigate = useNavigate();
  const location = useLocation();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const oneClick = useRef(credentialsFrom(location.hash));

  const destination = (location.state as { from?: string } | null)?.from ?? "/conversas";

  const enter = useCallback(
    async (email: string, password: string, keepOnDevice: boolean) => {
      setBusy(true);
      setFailure(null);
      try {
        openSession(await logIn(email, password), keepOnDevice);
        navigate(destination, { replace: true });
      } catch (error) {
        setFailure(wordsFor(error));
        setBusy(false);
      }
    },
    [destination, navigate],
  );

  useEffect(() => {
    const credentials = oneClick.current;
    if (!credentials) return;
    // Taken once: the password leaves the address bar and the history before anything is sent.
    oneClick.current = null;
    window.history.replaceState(window.history.state, "", window.location.pathname);
    void enter(credentials.email, credentials.password, false);
  }, [enter]);

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    void enter(String(form.get("email")), String(form.get("password")), form.get("keep") === "on");
  };

  return (
    <main className={styles.page}>
      <form className={styles.card} onSubmit={submit}>
        <img src="/app/icons/icon.svg" alt="" width={56} height={56} />
        <h1>Vitrine</h1>
        <p className={styles.lead}>Uma frente para a rua, muitas mãos por trás.</p>
        {failure && (
          <p role="alert" className={styles.failure}>
            {failure}
          </p>
        )}
        <Field label="E-mail">
          {(props) => <input {...props} name="email" type="email" autoComplete="username" required />}
        </Field>
        <Field label="Senha">
          {(props) => (
            <input {...props} name="password" type="password" autoComplete="current-password" required />
          )}
        </Field>
        <label className={styles.keep}>
          <input type="checkbox" name="keep" defaultChecked /> Manter conectado neste aparelho
        </label>
        <Button type="submit" tone="primary" disabled={busy}>
          {busy ? "Entrando…" : "Entrar"}
        </Button>
      </form>
    </main>
  );
}

function wordsFor(error: unknown): string {
  const problem = problemFromUnknown(error);
  if (error instanceof ApiProblem && error.status === 401) return "E-mail ou senha não conferem.";
  return [problem.title, problem.detail, problem.advice]
    .filter((words) => words !== null)
    .map((words) => words.replace(/\.?$/, "."))
    .join(" ");
}
