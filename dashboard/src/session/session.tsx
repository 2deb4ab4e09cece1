import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useSyncExternalStore } from "react";
import { Navigate, useLocation } from "react-router";
import { getMe, logOut } from "@/api/endpoints";
import { ApiProblem } from "@/api/problem";
import type { Me } from "@/api/types";
import { keys } from "@/live/live-cache";
import { Failure, Loading } from "@/ui/states";
import { closeSession, getRefreshToken, hasSession, onSessionChange } from "./vault";

const MeContext = createContext<Me | null>(null);

/** What is inside is shown only to somebody logged in; others go to the login and come back. */
export function RequireSession({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const location = useLocation();
  const active = useSyncExternalStore(onSessionChange, hasSession);
  const me = useQuery({ queryKey: keys.me, queryFn: ({ signal }) => getMe(signal), enabled: active });

  useEffect(() => {
    if (!active) client.clear();
  }, [active, client]);

  const isOver = me.error instanceof ApiProblem && me.error.status === 401;
  if (!active || isOver) {
    return <Navigate to="/login" replace state={{ from: location.pathname + location.search }} />;
  }
  if (me.data) return <MeContext.Provider value={me.data}>{children}</MeContext.Provider>;
  if (me.isError) return <Failure error={me.error} onRetry={() => void me.refetch()} />;
  return <Loading label="Abrindo o painel" />;
}

export function useMe(): Me {
  const me = useContext(MeContext);
  if (!me) throw new Error("useMe needs a RequireSession above it");
  return me;
}

export const useIsSupervisor = (): boolean => useMe().role === "supervisor";

/** Ends the session here at once; telling the server is best effort, the token expires anyway. */
export async function leave(): Promise<void> {
  const token = getRefreshToken();
  closeSession();
  if (token) await logOut(token).catch(() => undefined);
}
