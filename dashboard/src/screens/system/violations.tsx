import type { Invariant } from "@/api/types";
import { formatFull } from "@/format/time";
import { useViolations } from "@/shell/use-violations";
import { Badge } from "@/ui/badge";
import page from "@/ui/page.module.css";

/** What the house should keep and does not: the sentence, how often, and what to do. */
export function Violations() {
  const violations = useViolations();
  if (violations.length === 0) return null;
  return (
    <section className={page.section} aria-labelledby="violations">
      <h2 id="violations">O que não está valendo</h2>
      <div className={page.cards}>
        {violations.map((one) => (
          <ViolationCard key={one.name} violated={one} />
        ))}
      </div>
    </section>
  );
}

function ViolationCard({ violated }: { violated: Invariant }) {
  return (
    <article className={page.card}>
      <p className={page.badges}>
        <Badge tone={violated.severity === "critical" ? "bad" : "wait"}>
          {violated.severity === "critical" ? "grave" : "atenção"}
        </Badge>
        <Badge>
          {violated.violations} {violated.of}
        </Badge>
        {violated.since && <Badge>desde {formatFull(violated.since)}</Badge>}
      </p>
      <p>
        <strong>Deveria valer:</strong> {violated.holds}
      </p>
      <p>
        <strong>O que fazer:</strong> {violated.remedy}
      </p>
      <details>
        <summary>Quais</summary>
        <p>{violated.ids.join(", ")}</p>
      </details>
    </article>
  );
}
