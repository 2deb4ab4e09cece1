import * as Menu from "@radix-ui/react-dropdown-menu";
import {
  ArrowUpFromLine,
  BellOff,
  CalendarClock,
  Ellipsis,
  type LucideIcon,
  Star,
  UserRoundCheck,
  X,
} from "lucide-react";
import { useState } from "react";
import type { Conversation } from "@/api/types";
import { useIsSupervisor } from "@/session/session";
import { IconButton } from "@/ui/button";
import menuStyles from "@/ui/menu.module.css";
import { AssignDialog } from "./assign-dialog";
import { CloseDialog } from "./close-dialog";
import { EscalateDialog } from "./escalate-dialog";
import { MuteDialog } from "./mute-dialog";
import { QualifyDialog } from "./qualify-dialog";
import { ScheduleDialog } from "./schedule-dialog";

type Name = "assign" | "escalate" | "qualify" | "schedule" | "mute" | "close";

const ITEMS: { name: Name; label: string; icon: LucideIcon }[] = [
  { name: "assign", label: "Passar para…", icon: UserRoundCheck },
  { name: "escalate", label: "Escalar…", icon: ArrowUpFromLine },
  { name: "qualify", label: "Qualificar…", icon: Star },
  { name: "schedule", label: "Agendar…", icon: CalendarClock },
  { name: "mute", label: "Silenciar…", icon: BellOff },
  { name: "close", label: "Encerrar…", icon: X },
];

/** The rarer acts on a conversation. A dialog is made when it opens, so it starts from today's facts. */
export function HeaderMenu({ conversation }: { conversation: Conversation }) {
  const [open, setOpen] = useState<Name | null>(null);
  const isSupervisor = useIsSupervisor();
  const hidden: Record<Name, boolean> = {
    assign: !isSupervisor,
    escalate: false,
    qualify: false,
    schedule: false,
    mute: conversation.mode === "muted",
    close: conversation.mode === "closed",
  };
  const shown = { open: true, onOpenChange: () => setOpen(null), conversationId: conversation.id };
  return (
    <>
      <Menu.Root>
        <Menu.Trigger asChild>
          <IconButton label="Mais ações">
            <Ellipsis size={18} />
          </IconButton>
        </Menu.Trigger>
        <Menu.Portal>
          <Menu.Content className={menuStyles.menu} align="end" sideOffset={4}>
            {ITEMS.filter(({ name }) => !hidden[name]).map(({ name, label, icon: Icon }) => (
              <Menu.Item key={name} className={menuStyles.item} onSelect={() => setOpen(name)}>
                <Icon size={16} aria-hidden="true" /> {label}
              </Menu.Item>
            ))}
          </Menu.Content>
        </Menu.Portal>
      </Menu.Root>
      {open === "assign" && <AssignDialog {...shown} conversation={conversation} />}
      {open === "escalate" && <EscalateDialog {...shown} />}
      {open === "qualify" && <QualifyDialog {...shown} conversation={conversation} />}
      {open === "schedule" && <ScheduleDialog {...shown} />}
      {open === "mute" && <MuteDialog {...shown} />}
      {open === "close" && <CloseDialog {...shown} />}
    </>
  );
}
