import styles from "./why.module.css";

/** A document as a readable tree: objects fold, long texts wrap. */
export function JsonView({ value, label }: { value: unknown; label?: string }) {
  return (
    <div className={styles.json}>
      {label && <span className={styles.jsonLabel}>{label}</span>}
      <Node value={value} depth={0} />
    </div>
  );
}

/** Levels that are unfolded at first. */
const OPEN_DEPTH = 1;

function Node({ value, depth }: { value: unknown; depth: number }) {
  if (value === null || value === undefined) return <span className={styles.nothing}>vazio</span>;
  if (typeof value !== "object") return <span className={styles.leaf}>{String(value)}</span>;
  const entries = Object.entries(value);
  if (entries.length === 0) return <span className={styles.nothing}>vazio</span>;
  return (
    <ul className={styles.tree}>
      {entries.map(([key, child]) => (
        <li key={key}>
          {isBranch(child) ? (
            <details open={depth < OPEN_DEPTH}>
              <summary>
                {key} <small>{sizeOf(child)}</small>
              </summary>
              <Node value={child} depth={depth + 1} />
            </details>
          ) : (
            <>
              <span className={styles.key}>{key}</span> <Node value={child} depth={depth + 1} />
            </>
          )}
        </li>
      ))}
    </ul>
  );
}

function isBranch(value: unknown): value is object {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}

function sizeOf(value: object): string {
  const count = Object.keys(value).length;
  return Array.isArray(value) ? `[${count}]` : `{${count}}`;
}
