import { type ReactNode, useId } from "react";
import styles from "./field.module.css";

interface Props {
  label: string;
  hint?: ReactNode;
  children: (props: { id: string; className: string }) => ReactNode;
}

export function Field({ label, hint, children }: Props) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      {children({ id, className: styles.input ?? "" })}
      {hint && <p className={styles.hint}>{hint}</p>}
    </div>
  );
}
