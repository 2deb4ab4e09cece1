import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getSystem, pauseAi, resumeAi } from "@/api/endpoints";
import { keys } from "@/live/live-cache";
import { useToaster } from "@/ui/toast";

/** The pause is not in the feed, so it is polled: another supervisor may press it. */
const POLL_MS = 15_000;

export function useSystem() {
  return useQuery({
    queryKey: keys.system,
    queryFn: ({ signal }) => getSystem(signal),
    refetchInterval: POLL_MS,
  });
}

function useSystemMutation<T>(mutationFn: (input: T) => Promise<unknown>, done: string) {
  const client = useQueryClient();
  const toaster = useToaster();
  return useMutation({
    mutationFn,
    onSuccess: () => toaster.done(done),
    onError: toaster.problem,
    onSettled: () => {
      void client.invalidateQueries({ queryKey: keys.system });
      void client.invalidateQueries({ queryKey: keys.conversations });
    },
  });
}

export const usePauseAi = () => useSystemMutation(pauseAi, "IA pausada");
export const useResumeAi = () => useSystemMutation((_: undefined) => resumeAi(), "IA retomada");
