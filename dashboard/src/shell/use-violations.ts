import { useQuery } from "@tanstack/react-query";
import { listInvariants } from "@/api/endpoints";
import type { Invariant } from "@/api/types";
import { keys } from "@/live/live-cache";
import { useIsSupervisor } from "@/session/session";

/** The clock looks once a minute; asking more often shows nothing newer. */
const POLL_MS = 60_000;

/** What should be true and is not, the worst first; only supervisors may know. */
export function useViolations(): Invariant[] {
  const isSupervisor = useIsSupervisor();
  const invariants = useQuery({
    queryKey: keys.invariants,
    queryFn: ({ signal }) => listInvariants(signal),
    refetchInterval: POLL_MS,
    enabled: isSupervisor,
  });
  return (invariants.data?.items ?? []).filter((one) => one.violations > 0);
}
