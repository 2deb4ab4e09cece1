import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Phone } from "lucide-react";
import { useState } from "react";
import { activateNumber, drainNumber, listNumbers } from "@/api/endpoints";
import type { NumberHealth, PhoneNumber } from "@/api/types";
import { formatCount } from "@/format/money";
import { formatAgo, formatFull, useNow } from "@/format/time";
import { HEALTH, messagingLimit, NUMBER_STATE, purposeLabel } from "@/format/words";
import { keys } from "@/live/live-cache";
import { Badge, type Tone } from "@/ui/badge";
import { Button } from "@/ui/button";
import { FormDialog } from "@/ui/dialog";
import { Page } from "@/ui/page";
import page from "@/ui/page.module.css";
import { Empty, Failure, Loading } from "@/ui/states";
import { useToaster } from "@/ui/toast";

const HEALTH_TONE: Record<NumberHealth, Tone> = {
  healthy: "good",
  degraded: "wait",
  paused: "bad",
  banned: "bad",
};
const QUALITY: Record<PhoneNumber["quality"], { tone: Tone; label: string }> = {
  GREEN: { tone: "good", label: "qualidade alta" },
  YELLOW: { tone: "wait", label: "qualidade média" },
  RED: { tone: "bad", label: "qualidade baixa" },
  UNKNOWN: { tone: "neutral", label: "qualidade sem dados" },
};

export function NumbersScreen() {
  const numbers = useQuery({
    queryKey: keys.numbers,
    queryFn: ({ signal }) => listNumbers(signal),
    refetchInterval: 10_000,
  });
  const items = numbers.data?.items;
  return (
    <Page
      title="Números"
      lead="Os números físicos que enviam, com a saúde que a Meta informa. Uma conversa fica no seu número."
    >
      {numbers.isPending && <Loading label="Carregando números" rows={3} />}
      {numbers.isError && !items && <Failure error={numbers.error} onRetry={() => void numbers.refetch()} />}
      {items?.length === 0 && (
        <Empty icon={<Phone size={40} />} title="Nenhum número cadastrado">
          Defina WHATSAPP_PHONE_NUMBER_IDS e reinicie.
        </Empty>
      )}
      <ul className={page.cards}>
        {items?.map((number) => (
          <NumberCard key={number.phone_number_id} number={number} />
        ))}
      </ul>
    </Page>
  );
}

function NumberCard({ number }: { number: PhoneNumber }) {
  const now = useNow(30_000);
  const quality = QUALITY[number.quality];
  return (
    <li className={page.card}>
      <header className={page.cardHeader}>
        <div>
          <h2>{number.display_phone || number.phone_number_id}</h2>
          <p>{[number.verified_name, `fachada ${number.facade.name}`].filter(Boolean).join(" · ")}</p>
        </div>
        <NumberActions number={number} />
      </header>
      <p className={page.badges}>
        <Badge tone={number.state === "active" ? "good" : "wait"}>{NUMBER_STATE[number.state]}</Badge>
        <Badge tone={HEALTH_TONE[number.health]}>{HEALTH[number.health]}</Badge>
        <Badge tone={quality.tone}>{quality.label}</Badge>
        {number.traffic_classes.map((name) => (
          <Badge key={name}>{purposeLabel(name)}</Badge>
        ))}
      </p>
      {number.health_reason && (
        <p className={page.reason}>
          {number.health_reason}
          {number.health_since && ` (${formatAgo(number.health_since, now)})`}
          {number.quarantine_until && `. Em quarentena até ${formatFull(number.quarantine_until)}`}
        </p>
      )}
      <dl className={page.figures}>
        <Figure label="enviadas no minuto" value={formatCount(number.sent_last_minute)} />
        <Figure label="erros na hora" value={formatCount(number.errors_last_hour)} />
        <Figure label="conversas" value={formatCount(number.open_threads)} />
        <Figure label="por segundo" value={formatCount(number.mps)} />
        <Figure label="limite por dia" value={messagingLimit(number.messaging_limit)} />
      </dl>
    </li>
  );
}

function Figure({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <dd>{value}</dd>
      <dt>{label}</dt>
    </div>
  );
}

function NumberActions({ number }: { number: PhoneNumber }) {
  const client = useQueryClient();
  const toaster = useToaster();
  const [asking, setAsking] = useState(false);
  const isActive = number.state === "active";
  const change = useMutation({
    mutationFn: () =>
      isActive ? drainNumber(number.phone_number_id) : activateNumber(number.phone_number_id),
    onSuccess: () => toaster.done(isActive ? "Número esvaziando" : "Número ativado"),
    onError: toaster.problem,
    onSettled: () => {
      setAsking(false);
      void client.invalidateQueries({ queryKey: keys.numbers });
    },
  });
  if (!isActive) {
    return (
      <Button disabled={change.isPending} onClick={() => change.mutate()}>
        Ativar
      </Button>
    );
  }
  return (
    <>
      <Button onClick={() => setAsking(true)}>Esvaziar…</Button>
      <FormDialog
        open={asking}
        onOpenChange={setAsking}
        title={`Esvaziar ${number.display_phone || number.phone_number_id}?`}
        description="Conversas novas vão para outros números; as que estão nele continuam até terminar."
        confirm="Esvaziar"
        busy={change.isPending}
        onConfirm={() => change.mutate()}
      />
    </>
  );
}
