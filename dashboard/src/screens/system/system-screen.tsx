import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { getMetrics } from "@/api/endpoints";
import type { SystemState } from "@/api/types";
import { formatFull } from "@/format/time";
import { keys } from "@/live/live-cache";
import { PauseDialog } from "@/shell/pause-dialog";
import { useResumeAi, useSystem } from "@/shell/use-system";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Page } from "@/ui/page";
import page from "@/ui/page.module.css";
import { Failure, Loading } from "@/ui/states";
import { groupMetrics } from "./metrics";
import { Violations } from "./violations";

export function SystemScreen() {
  const system = useSystem();
  const metrics = useQuery({
    queryKey: keys.metrics,
    queryFn: ({ signal }) => getMetrics(signal),
    refetchInterval: 10_000,
  });
  return (
    <Page title="Sistema" lead="O que está no ar, quanto a IA trabalha e o freio de tudo o que ela envia.">
      {system.isPending && <Loading label="Carregando o sistema" rows={2} />}
      {system.isError && !system.data && (
        <Failure error={system.error} onRetry={() => void system.refetch()} />
      )}
      {system.data && <SystemCard system={system.data} />}
      <Violations />
      {metrics.isError && !metrics.data && (
        <Failure error={metrics.error} onRetry={() => void metrics.refetch()} />
      )}
      {metrics.data &&
        groupMetrics(metrics.data).map((group) => (
          <section key={group.key} className={page.section}>
            <h2>{group.title}</h2>
            <div className={page.card}>
              <dl className={page.figures}>
                {group.figures.map((figure) => (
                  <div key={figure.key}>
                    <dd>{figure.value}</dd>
                    <dt>{figure.label}</dt>
                  </div>
                ))}
              </dl>
            </div>
          </section>
        ))}
    </Page>
  );
}

function SystemCard({ system }: { system: SystemState }) {
  const [pausing, setPausing] = useState(false);
  const resume = useResumeAi();
  return (
    <section className={page.section}>
      <div className={page.card}>
        <header className={page.cardHeader}>
          <div>
            <h2>{system.model.rehearsal ? "Modelo de ensaio" : system.model.name}</h2>
            <p>
              {system.model.rehearsal ? "Ensaio sem modelo real: defina ANTHROPIC_API_KEY. " : ""}Vitrine{" "}
              {system.version}
            </p>
          </div>
          {system.ai_paused ? (
            <Button tone="primary" disabled={resume.isPending} onClick={() => resume.mutate(undefined)}>
              Retomar a IA
            </Button>
          ) : (
            <Button tone="danger" onClick={() => setPausing(true)}>
              Pausar a IA…
            </Button>
          )}
        </header>
        <p className={page.badges}>
          <Badge tone={system.ai_paused ? "bad" : "good"}>
            {system.ai_paused ? "IA pausada" : "IA ativa"}
          </Badge>
          {system.sandbox && <Badge tone="wait">sandbox</Badge>}
          {system.paused_at && system.ai_paused && <Badge>desde {formatFull(system.paused_at)}</Badge>}
        </p>
        <p>
          <a href="/docs">Documentação da API</a>
          {system.sandbox && (
            <>
              {" · "}
              <a href="/sandbox">Telefone de teste</a>
            </>
          )}
        </p>
      </div>
      <PauseDialog open={pausing} onOpenChange={setPausing} />
    </section>
  );
}
