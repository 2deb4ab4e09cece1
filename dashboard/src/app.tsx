import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useState } from "react";
import { createBrowserRouter, Navigate, type RouteObject, RouterProvider } from "react-router";
import { ApiProblem } from "@/api/problem";
import { ActorsScreen } from "@/screens/actors/actors-screen";
import { ConversationScreen } from "@/screens/conversation/conversation-screen";
import { InboxScreen, NothingOpen } from "@/screens/inbox/inbox-screen";
import { LoginScreen } from "@/screens/login/login-screen";
import { NotFoundScreen } from "@/screens/not-found-screen";
import { NumbersScreen } from "@/screens/numbers/numbers-screen";
import { PeopleScreen } from "@/screens/people/people-screen";
import { SystemScreen } from "@/screens/system/system-screen";
import { RequireSession } from "@/session/session";
import { Shell, SupervisorOnly } from "@/shell/shell";
import { ToastProvider } from "@/ui/toast";

const MAX_RETRIES = 2;

function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        retry: (count, error) => count < MAX_RETRIES && (!(error instanceof ApiProblem) || error.isTemporary),
        retryDelay: (count, error) =>
          error instanceof ApiProblem && error.retryAfterSeconds !== null
            ? error.retryAfterSeconds * 1_000
            : 1_000 * 2 ** count,
      },
      // Nobody expects a click to act minutes later, so writes fail at once when offline.
      mutations: { networkMode: "always" },
    },
  });
}

export const routes: RouteObject[] = [
  { path: "/login", element: <LoginScreen /> },
  {
    path: "/",
    element: (
      <RequireSession>
        <Shell />
      </RequireSession>
    ),
    children: [
      { index: true, element: <Navigate to="/conversas" replace /> },
      {
        path: "conversas",
        element: <InboxScreen />,
        children: [
          { index: true, element: <NothingOpen /> },
          { path: ":conversationId", element: <ConversationScreen /> },
        ],
      },
      {
        element: <SupervisorOnly />,
        children: [
          { path: "numeros", element: <NumbersScreen /> },
          { path: "atores", element: <ActorsScreen /> },
          { path: "pessoas", element: <PeopleScreen /> },
          { path: "sistema", element: <SystemScreen /> },
        ],
      },
      { path: "*", element: <NotFoundScreen /> },
    ],
  },
];

export function App() {
  const [client] = useState(createQueryClient);
  const [router] = useState(() => createBrowserRouter(routes, { basename: "/app" }));
  return (
    <QueryClientProvider client={client}>
      <ToastProvider>
        <RouterProvider router={router} />
      </ToastProvider>
    </QueryClientProvider>
  );
}
