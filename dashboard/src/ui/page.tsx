import type { ReactNode } from "react";
import styles from "./page.module.css";

export function Page({ title, lead, children }: { title: string; lead: string; children: ReactNode }) {
  return (
    <div className={styles.scroll}>
      <div className={styles.page}>
        <h1>{title}</h1>
        <p className={styles.lead}>{lead}</p>
        {children}
      </div>
    </div>
  );
}
