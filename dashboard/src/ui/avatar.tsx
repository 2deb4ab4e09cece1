import styles from "./avatar.module.css";

const HUES = 6;

function hueOf(id: string): number {
  let sum = 0;
  for (const char of id) sum += char.charCodeAt(0);
  return sum % HUES;
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter((word) => /^\p{L}/u.test(word));
  const first = words[0]?.[0] ?? "?";
  const last = words.length > 1 ? (words.at(-1)?.[0] ?? "") : "";
  return (first + last).toUpperCase();
}

export function Avatar({ id, name }: { id: string; name: string }) {
  return (
    <span aria-hidden="true" className={`${styles.avatar} ${styles[`hue${hueOf(id)}`]}`}>
      {initials(name)}
    </span>
  );
}
