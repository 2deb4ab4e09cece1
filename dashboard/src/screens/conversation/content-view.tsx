import { FileText, Image, MapPin, Mic, Video } from "lucide-react";
import type { Content, MediaContent } from "@/api/content";
import { contentPreview } from "@/format/words";
import styles from "./bubble.module.css";
import { WhatsAppText } from "./whatsapp-text";

const MEDIA_ICON = { image: Image, video: Video, audio: Mic, document: FileText, sticker: Image };
const MEDIA_LABEL = {
  image: "Foto",
  video: "Vídeo",
  audio: "Áudio",
  document: "Documento",
  sticker: "Figurinha",
};

export function ContentView({ content, text }: { content: Content; text: string | null }) {
  switch (content.kind) {
    case "image":
    case "video":
    case "audio":
    case "document":
    case "sticker":
      return <Media content={content} />;
    case "location":
      return (
        <p className={styles.media}>
          <MapPin size={18} aria-hidden="true" />
          <span>
            {content.name ?? "Localização"}
            {content.address && <small>{content.address}</small>}
          </span>
        </p>
      );
    case "buttons":
      return <WithChoices body={content.body} choices={content.buttons.map(({ title }) => title)} />;
    case "list":
      return (
        <WithChoices
          body={content.body}
          choices={content.sections.flatMap(({ rows }) => rows.map(({ title }) => title))}
        />
      );
    case "cta_url":
      return <WithChoices body={content.body} choices={[content.display_text]} />;
    case "button_reply":
    case "list_reply":
      return (
        <p className={styles.text}>
          <small className={styles.tapped}>tocou em</small> {content.title}
        </p>
      );
    case "edit":
      return (
        <>
          <ContentView content={content.content} text={null} />
          <small className={styles.tapped}>editada</small>
        </>
      );
    case "revoke":
      return <p className={`${styles.text} ${styles.gone}`}>O cliente apagou uma mensagem</p>;
    default:
      return (
        <p className={styles.text}>
          <WhatsAppText text={contentPreview(content, text)} />
        </p>
      );
  }
}

function Media({ content }: { content: MediaContent }) {
  const Icon = MEDIA_ICON[content.kind];
  const label = content.voice ? "Mensagem de voz" : MEDIA_LABEL[content.kind];
  return (
    <>
      <p className={styles.media}>
        <Icon size={18} aria-hidden="true" />
        <span>{content.filename ?? label}</span>
      </p>
      {content.caption && <p className={styles.text}>{content.caption}</p>}
    </>
  );
}

function WithChoices({ body, choices }: { body: string; choices: string[] }) {
  return (
    <>
      <p className={styles.text}>
        <WhatsAppText text={body} />
      </p>
      <ul className={styles.choices}>
        {choices.map((choice) => (
          <li key={choice}>{choice}</li>
        ))}
      </ul>
    </>
  );
}
