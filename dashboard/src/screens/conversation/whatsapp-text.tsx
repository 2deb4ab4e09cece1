import { Fragment, type ReactNode } from "react";

/** WhatsApp's marks: *bold*, _italic_, ~struck~ and `code`, each within a line and around something. */
const MARKED =
  /(\*[^*\s](?:[^*\n]*[^*\s])?\*|_[^_\s](?:[^_\n]*[^_\s])?_|~[^~\s](?:[^~\n]*[^~\s])?~|`[^`\n]+`)/;

/** A message as the customer's phone shows it. */
export function WhatsAppText({ text }: { text: string }) {
  return text.split(MARKED).map((part, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text never move
    <Fragment key={index}>{index % 2 === 0 ? part : marked(part)}</Fragment>
  ));
}

function marked(part: string): ReactNode {
  const inner = part.slice(1, -1);
  switch (part[0]) {
    case "*":
      return <strong>{inner}</strong>;
    case "_":
      return <em>{inner}</em>;
    case "~":
      return <s>{inner}</s>;
    default:
      return <code>{inner}</code>;
  }
}
