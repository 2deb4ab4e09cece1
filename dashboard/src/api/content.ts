/** What a message carries: one closed union, told apart by `kind`. */

export interface Button {
  id: string;
  title: string;
}

/** Media kinds share one shape. */
export interface MediaContent {
  kind: "image" | "video" | "audio" | "document" | "sticker";
  media_id?: string | null;
  link?: string | null;
  caption?: string | null;
  filename?: string | null;
  mime_type?: string | null;
  voice?: boolean | null;
}

export type Content =
  | { kind: "text"; body: string; preview_url?: boolean }
  | MediaContent
  | { kind: "location"; latitude: number; longitude: number; name?: string | null; address?: string | null }
  | { kind: "contacts"; cards: { name?: { formatted_name?: string } }[] }
  | { kind: "reaction"; target_wamid: string; emoji: string | null }
  | { kind: "buttons"; body: string; buttons: Button[]; header?: unknown; footer?: string | null }
  | {
      kind: "list";
      body: string;
      button: string;
      sections: { title?: string | null; rows: (Button & { description?: string | null })[] }[];
      footer?: string | null;
    }
  | { kind: "cta_url"; body: string; display_text: string; url: string; footer?: string | null }
  | { kind: "template"; name: string; language: string; components: unknown[]; preview?: string | null }
  | { kind: "button_reply"; id: string; title: string; source: string }
  | { kind: "list_reply"; id: string; title: string; description?: string | null }
  | { kind: "flow_reply"; name?: string | null; response: unknown }
  | { kind: "payment_method" }
  | { kind: "call_permission"; response: string }
  | { kind: "order"; catalog_id: string; text?: string | null; items: unknown[] }
  | { kind: "system"; type: string; body?: string | null }
  | { kind: "unsupported"; type?: string | null; raw_type?: string | null; errors: unknown }
  | { kind: "edit"; original_wamid: string; content: Content }
  | { kind: "revoke"; original_wamid: string };
