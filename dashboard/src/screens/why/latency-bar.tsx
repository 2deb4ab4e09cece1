import type { LatencyStage, Turn } from "@/api/types";
import { formatMs } from "@/format/time";
import { LATENCY } from "@/format/words";
import styles from "./why.module.css";

const STAGES = Object.keys(LATENCY) as Exclude<LatencyStage, "total">[];

/** How long each stage took, as one proportional bar with its legend. */
export function LatencyBar({ latency }: { latency: Turn["latency_ms"] }) {
  const parts = STAGES.map((stage) => ({ stage, ms: latency[stage] ?? 0 })).filter(({ ms }) => ms > 0);
  if (parts.length === 0) return null;
  const sum = parts.reduce((total, { ms }) => total + ms, 0);
  return (
    <figure className={styles.latency}>
      <figcaption>
        Turno, depois da espera: <strong>{formatMs(latency.total ?? sum - (latency.quiet ?? 0))}</strong>
      </figcaption>
      <div className={styles.bar} aria-hidden="true">
        {parts.map(({ stage, ms }) => (
          <i key={stage} data-stage={stage} style={{ flexGrow: ms }} />
        ))}
      </div>
      <ul>
        {parts.map(({ stage, ms }) => (
          <li key={stage}>
            <i data-stage={stage} aria-hidden="true" /> {LATENCY[stage]} <strong>{formatMs(ms)}</strong>
          </li>
        ))}
      </ul>
    </figure>
  );
}
