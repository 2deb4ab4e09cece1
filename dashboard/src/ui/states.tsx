import type { ReactNode } from "react";
import { problemFromUnknown } from "@/api/problem";
import { Button } from "./button";
import styles from "./states.module.css";

export function Empty({ icon, title, children }: { icon?: ReactNode; title: string; children?: ReactNode }) {
  return (
    <div className={styles.state}>
      {icon}
      <p className={styles.title}>{title}</p>
      {children && <div className={styles.words}>{children}</div>}
    </div>
  );
}

export function Loading({ label, rows = 6 }: { label: string; rows?: number }) {
  return (
    <div role="status" className={styles.loading}>
      <span className="visually-hidden">{label}</span>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are identical and never move
        <div key={row} className={styles.bone} />
      ))}
    </div>
  );
}

export function Failure({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const problem = problemFromUnknown(error);
  return (
    <div role="alert" className={styles.state}>
      <p className={styles.title}>{problem.title}</p>
      <div className={styles.words}>
        {problem.detail && <p>{problem.detail}</p>}
        <p>{problem.advice}</p>
      </div>
      <Button onClick={onRetry}>Tentar de novo</Button>
    </div>
  );
}
