import { CloudOff, FlaskConical, KeyRound, PauseCircle, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import type { Alert, SystemState } from "@/api/types";
import { formatAgo, formatFull, useNow } from "@/format/time";
import { useOnline } from "@/live/live-provider";
import { useIsSupervisor, useMe } from "@/session/session";
import { Button } from "@/ui/button";
import styles from "./banners.module.css";
import { PasswordDialog } from "./password-dialog";
import { useResumeAi, useSystem } from "./use-system";
import { useViolations } from "./use-violations";

export function Banners() {
  const system = useSystem();
  const online = useOnline();
  return (
    <>
      {!online && (
        <p role="status" className={`${styles.banner} ${styles.offline}`}>
          <CloudOff size={16} aria-hidden="true" />
          <span>Sem conexão. Você vê o que já foi carregado; nada é enviado até a rede voltar.</span>
        </p>
      )}
      {system.data?.ai_paused && <PausedBar system={system.data} />}
      {system.data?.alerts.map((alert) => (
        <AlertBar key={`${alert.kind} ${alert.text}`} alert={alert} />
      ))}
      <ViolationBar />
      {system.data && !system.data.sandbox && <InitialPasswordBar />}
      {system.data?.sandbox && <SandboxBar rehearsal={system.data.model.rehearsal} />}
    </>
  );
}

function PausedBar({ system }: { system: SystemState }) {
  const now = useNow(30_000);
  const resume = useResumeAi();
  const isSupervisor = useIsSupervisor();
  return (
    <div role="alert" className={`${styles.banner} ${styles.paused}`}>
      <PauseCircle size={18} aria-hidden="true" />
      <span>
        <strong>A IA está pausada.</strong> {system.paused_by && `Por ${system.paused_by}`}
        {system.paused_at && `, ${formatAgo(system.paused_at, now)}`}
        {system.reason && `: ${system.reason}`}
      </span>
      {isSupervisor && (
        <Button
          className={styles.resume ?? ""}
          disabled={resume.isPending}
          onClick={() => resume.mutate(undefined)}
        >
          Retomar
        </Button>
      )}
    </div>
  );
}

/** What stops everything is as loud as the pause; what stops a part is said more quietly. */
const STOPS_ALL: ReadonlySet<Alert["kind"]> = new Set(["account_disabled", "day_money_spent"]);

function AlertBar({ alert }: { alert: Alert }) {
  const now = useNow(30_000);
  return (
    <div
      role="alert"
      className={`${styles.banner} ${STOPS_ALL.has(alert.kind) ? styles.paused : styles.part}`}
    >
      <TriangleAlert size={18} aria-hidden="true" />
      <span>
        <strong>{alert.text}</strong> {formatAgo(alert.since, now)}
        {alert.until && `, até ${formatFull(alert.until)}`}
      </span>
    </div>
  );
}

/** One line wherever a supervisor is; the rest is on the system's screen. */
function ViolationBar() {
  const [worst, ...others] = useViolations();
  if (!worst) return null;
  return (
    <div
      role="alert"
      className={`${styles.banner} ${worst.severity === "critical" ? styles.paused : styles.part}`}
    >
      <TriangleAlert size={18} aria-hidden="true" />
      <span>
        Não está valendo: {worst.holds} {others.length > 0 && `E mais ${others.length}. `}
        <Link to="/sistema">O que fazer</Link>
      </span>
    </div>
  );
}

/** Not in the sandbox: there the first password is shown at every start on purpose. */
function InitialPasswordBar() {
  const me = useMe();
  const [isChanging, setChanging] = useState(false);
  if (!me.password_is_initial) return null;
  return (
    <div role="status" className={`${styles.banner} ${styles.offline}`}>
      <KeyRound size={16} aria-hidden="true" />
      <span>A sua senha foi escolhida por outra pessoa. Troque-a por uma só sua.</span>
      <Button className={styles.resume ?? ""} onClick={() => setChanging(true)}>
        Trocar
      </Button>
      {isChanging && <PasswordDialog open onOpenChange={setChanging} />}
    </div>
  );
}

function SandboxBar({ rehearsal }: { rehearsal: boolean }) {
  return (
    <p className={`${styles.banner} ${styles.sandbox}`}>
      <FlaskConical size={14} aria-hidden="true" />
      <span>
        Sandbox<span className={styles.long}>: nada chega ao WhatsApp</span>.{" "}
        {rehearsal && (
          <>
            Ensaio sem modelo real<span className={styles.long}>: defina ANTHROPIC_API_KEY</span>.{" "}
          </>
        )}
        <a href="/sandbox">Abrir telefone</a>
      </span>
    </p>
  );
}
