import type { Invariant } from "@/api/types";
import { formatFull } from "@/format/time";
import { useAlerts } from "@/shell/use-alerts";
import { Badge } from "@/ui/badge";
import page from "@/ui/page.module.css";

/** What the house should keep and does not: the sentence, how often, and what to do. */
export function Alerts() {
  const alerts = useAlerts();
  if (alerts.length === 0) return null;
  return (
    <section className={page.section} aria-labelledby="alerts">
      <h2 id="alerts">Alertas</h2>
      <div className={page.cards}>
        {alerts.map((alert) => (
          <AlertCard key={alert.name} alert={alert} />
        ))}
      </div>
    </section>
  );
}

function AlertCard({ alert }: { alert: Invariant }) {
  return (
    <article className={page.card}>
      <p className={page.badges}>
        <Badge tone={alert.severity === "critical" ? "bad" : "wait"}>
          {alert.severity === "critical" ? "grave" : "atenção"}
        </Badge>
        <Badge>
          {alert.violations} {alert.of}
        </Badge>
        {alert.since && <Badge>desde {formatFull(alert.since)}</Badge>}
      </p>
      <p>
        <strong>Deveria valer:</strong> {alert.holds}
      </p>
      <p>
        <strong>O que fazer:</strong> {alert.remedy}
      </p>
      <details>
        <summary>Quais</summary>
        <p>{alert.ids.join(", ")}</p>
      </details>
    </article>
  );
}
