import * as Menu from "@radix-ui/react-dropdown-menu";
import { Cpu, Gauge, KeyRound, LogOut, MessageSquare, PauseCircle, Phone, Users } from "lucide-react";
import { useState } from "react";
import { NavLink, Outlet } from "react-router";
import { ROLE } from "@/format/words";
import { LiveProvider, useFeedState, useOnline } from "@/live/live-provider";
import { leave, useIsSupervisor, useMe } from "@/session/session";
import { Avatar } from "@/ui/avatar";
import menuStyles from "@/ui/menu.module.css";
import { Empty } from "@/ui/states";
import { Banners } from "./banners";
import { PasswordDialog } from "./password-dialog";
import { PauseDialog } from "./pause-dialog";
import styles from "./shell.module.css";
import { useSystem } from "./use-system";

const LINKS = [
  { to: "/conversas", label: "Conversas", icon: MessageSquare, supervisor: false },
  { to: "/numeros", label: "Números", icon: Phone, supervisor: true },
  { to: "/atores", label: "Atores", icon: Cpu, supervisor: true },
  { to: "/pessoas", label: "Pessoas", icon: Users, supervisor: true },
  { to: "/sistema", label: "Sistema", icon: Gauge, supervisor: true },
];

export function Shell() {
  return (
    <LiveProvider>
      <div className={styles.shell}>
        <Rail />
        <div className={styles.main}>
          <Banners />
          <main className={styles.content}>
            <Outlet />
          </main>
        </div>
      </div>
    </LiveProvider>
  );
}

function Rail() {
  const isSupervisor = useIsSupervisor();
  const links = LINKS.filter((link) => isSupervisor || !link.supervisor);
  return (
    <nav aria-label="Principal" className={styles.rail}>
      <img className={styles.logo} src="/app/icons/icon.svg" alt="Vitrine" width={36} height={36} />
      {links.map(({ to, label, icon: Icon }) => (
        <NavLink key={to} to={to} className={styles.link ?? ""}>
          <Icon size={20} aria-hidden="true" />
          <span>{label}</span>
        </NavLink>
      ))}
      <span className={styles.spacer} />
      <LiveDot />
      <AccountMenu />
    </nav>
  );
}

function LiveDot() {
  const feed = useFeedState();
  const online = useOnline();
  const label = !online ? "Sem conexão" : feed === "waiting" ? "Reconectando" : "Ao vivo";
  return (
    <span
      role="status"
      className={styles.live}
      data-state={label === "Ao vivo" ? "live" : "waiting"}
      title={label}
    >
      <i aria-hidden="true" />
      <span>{label}</span>
    </span>
  );
}

function AccountMenu() {
  const me = useMe();
  const system = useSystem();
  const isSupervisor = useIsSupervisor();
  const [pausing, setPausing] = useState(false);
  const [isChanging, setChanging] = useState(false);
  const canPause = isSupervisor && system.data && !system.data.ai_paused;
  return (
    <>
      <Menu.Root>
        <Menu.Trigger className={styles.account} aria-label={`Conta de ${me.name}`}>
          <Avatar id={me.id} name={me.name} />
        </Menu.Trigger>
        <Menu.Portal>
          <Menu.Content
            className={menuStyles.menu}
            side="top"
            align="end"
            sideOffset={8}
            collisionPadding={8}
          >
            <Menu.Label className={menuStyles.label}>
              <strong>{me.name}</strong>
              <span>
                {ROLE[me.role]} · {me.email}
              </span>
            </Menu.Label>
            {canPause && (
              <Menu.Item
                className={`${menuStyles.item} ${menuStyles.danger}`}
                onSelect={() => setPausing(true)}
              >
                <PauseCircle size={16} /> Pausar a IA…
              </Menu.Item>
            )}
            <Menu.Item className={menuStyles.item} onSelect={() => setChanging(true)}>
              <KeyRound size={16} /> Trocar a senha…
            </Menu.Item>
            <Menu.Item className={menuStyles.item} onSelect={() => void leave()}>
              <LogOut size={16} /> Sair
            </Menu.Item>
          </Menu.Content>
        </Menu.Portal>
      </Menu.Root>
      <PauseDialog open={pausing} onOpenChange={setPausing} />
      {isChanging && <PasswordDialog open onOpenChange={setChanging} />}
    </>
  );
}

export function SupervisorOnly() {
  if (useIsSupervisor()) return <Outlet />;
  return <Empty title="Só para supervisores">Seu perfil não mostra esta página.</Empty>;
}
