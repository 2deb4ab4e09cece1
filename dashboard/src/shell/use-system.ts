import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getSystem, pauseAi, resumeAi } from "@/api/endpoints";
import { keys } from "@/live/live-cache";
import { useToaster } from "@/ui/toast";

/** The feed tells of a pause at once; this is for while the feed is away. */
const POLL_MS = 60_000;

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
