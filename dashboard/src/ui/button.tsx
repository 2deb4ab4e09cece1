import type { ButtonHTMLAttributes } from "react";
import styles from "./button.module.css";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  tone?: "plain" | "primary" | "danger" | "ghost";
}

export function Button({ tone = "plain", className = "", type = "button", ...rest }: Props) {
  return <button type={type} className={`${styles.button} ${styles[tone]} ${className}`} {...rest} />;
}

/** A square button that shows only an icon; `label` is its accessible name and tooltip. */
export function IconButton({ label, className = "", ...rest }: Omit<Props, "tone"> & { label: string }) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className={`${styles.button} ${styles.ghost} ${styles.icon} ${className}`}
      {...rest}
    />
  );
}
