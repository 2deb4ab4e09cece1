import type { Server } from "node:http";
import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Invariant } from "@/api/types";
import { App } from "@/app";
import { closeSession } from "@/session/vault";
import { invariants, system } from "../mock/data.mjs";
import { conversations } from "../mock/scenes.mjs";
import { startMock } from "../mock/server.mjs";

type DetachedWindowAPI = { happyDOM: { setURL: (url: string) => void } };

let mock: { server: Server; origin: string };

beforeAll(async () => {
  mock = (await startMock()) as typeof mock;
});

afterAll(() => {
  mock.server.closeAllConnections();
  mock.server.close();
});

afterEach(closeSession);

function open(path: string) {
  (window as unknown as DetachedWindowAPI).happyDOM.setURL(`${mock.origin}/app${path}`);
  window.history.replaceState(null, "");
  render(<App />);
  return userEvent.setup();
}

const SUPERVISOR = "/login#email=ana@vitrine.test&password=vitrine";
const VENDOR = "/login#email=bruno@vitrine.test&password=vitrine";

async function openConversation(name: string) {
  const user = open(SUPERVISOR);
  await user.click(await screen.findByRole("link", { name: new RegExp(name) }));
  await screen.findByRole("heading", { name });
  return user;
}

test("a one-click link logs in and leaves no password in the address", async () => {
  open(SUPERVISOR);
  expect(await screen.findByText("Maria Souza")).toBeInTheDocument();
  expect(window.location.hash).toBe("");
  expect(window.location.pathname).toBe("/app/conversas");
});

test("a wrong password is said in words", async () => {
  const user = open("/login");
  await user.type(screen.getByLabelText("E-mail"), "ana@vitrine.test");
  await user.type(screen.getByLabelText("Senha"), "errada");
  await user.click(screen.getByRole("button", { name: "Entrar" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("E-mail ou senha não conferem.");
});

test("without a session every page leads to the login", async () => {
  open("/numeros");
  expect(await screen.findByRole("button", { name: "Entrar" })).toBeInTheDocument();
});

test("a vendor sees only own conversations, masked, and no supervisor pages", async () => {
  open(VENDOR);
  const row = await screen.findByRole("link", { name: /Patrícia Lima/ });
  await userEvent.click(row);
  expect(await screen.findByText("+55 41 •••••-4455")).toBeInTheDocument();
  expect(screen.queryByText("Maria Souza")).not.toBeInTheDocument();
  expect(screen.queryByRole("link", { name: "Números" })).not.toBeInTheDocument();
});

test("the queue tab shows who waits for a person, and why", async () => {
  const user = open(SUPERVISOR);
  await screen.findByText("Maria Souza");
  await user.click(screen.getByRole("button", { name: "Na fila" }));
  await waitFor(() => expect(screen.queryByText("Maria Souza")).not.toBeInTheDocument());
  const row = screen.getByRole("link", { name: /Carlos Menezes/ });
  expect(row).toHaveTextContent("urgente");
  expect(row).toHaveTextContent("Cliente zangado");
});

test("the list loads its next page and finds by message text", async () => {
  const user = open(SUPERVISOR);
  await user.click(await screen.findByRole("button", { name: "Mostrar mais" }));
  expect(await screen.findByText("Cliente 20")).toBeInTheDocument();
  await user.type(screen.getByRole("searchbox"), "cobram errado");
  await waitFor(() => expect(screen.queryByText("Maria Souza")).not.toBeInTheDocument());
  expect(screen.getByText("Carlos Menezes")).toBeInTheDocument();
});

test("j, k and / walk without a mouse", async () => {
  const user = open(SUPERVISOR);
  await screen.findByText("Maria Souza");
  await user.keyboard("jj");
  expect(document.activeElement).toHaveTextContent("Carlos Menezes");
  await user.keyboard("k/");
  expect(document.activeElement).toBe(screen.getByRole("searchbox"));
});

test("a turn explains itself: inputs, context, tools, tokens and actor", async () => {
  const user = await openConversation("Maria Souza");
  const markers = screen.getAllByRole("button", { name: /Por quê/ });
  await user.click(markers.at(-1) as HTMLElement);
  const panel = await screen.findByRole("complementary", { name: "Por quê?" });
  expect(panel).toHaveTextContent("Somos 12 pessoas na padaria");
  expect(panel).toHaveTextContent("search_catalog");
  expect(panel).toHaveTextContent("3.180");
  expect(panel).toHaveTextContent("Padaria Sol");
  expect(panel).toHaveTextContent("pid 4121");
  await user.keyboard("{Escape}");
  expect(screen.queryByRole("complementary", { name: "Por quê?" })).not.toBeInTheDocument();
});

test("a failed message tells why", async () => {
  await openConversation("Patrícia Lima");
  expect(screen.getByText(/Não entregue: Arquivo recusado.*131053/)).toBeInTheDocument();
  expect(screen.getByText("Retirada antes de sair", { selector: "p" })).toBeInTheDocument();
});

test("outside the window the composer says so and sends nothing", async () => {
  await openConversation("Estúdio Lótus");
  expect(screen.getByText("Janela de 24 h fechada.")).toBeInTheDocument();
  expect(screen.queryByRole("textbox", { name: "Responder" })).not.toBeInTheDocument();
});

test("takeover shows what was in flight; the reply is sent; hand-back says what stays open", async () => {
  const user = await openConversation("Carlos Menezes");
  await user.click(screen.getByRole("button", { name: "Assumir" }));
  const notice = await screen.findByText(/Você assumiu \(época 1\)/);
  expect(notice.closest("[role=status]")).toHaveTextContent("Uma mensagem da IA já tinha saído");
  await user.type(screen.getByRole("textbox", { name: "Responder" }), "Oi Carlos, aqui é a Ana{Enter}");
  const log = screen.getByRole("log", { name: "Mensagens" });
  await waitFor(() => expect(within(log).getAllByText("Oi Carlos, aqui é a Ana")).toHaveLength(1));
  await user.click(await screen.findByRole("button", { name: "Devolver à IA" }));
  const dialog = await screen.findByRole("dialog");
  await waitFor(() => expect(dialog).toHaveTextContent("Resolvido até"));
  expect(dialog).toHaveTextContent("Nada pendente");
  await user.click(within(dialog).getByRole("button", { name: "Devolver" }));
  expect(await screen.findByRole("button", { name: "Assumir" })).toBeInTheDocument();
});

test("a hand-back says which messages the AI would answer, and may leave them", async () => {
  const user = await openConversation("Patrícia Lima");
  await user.click(screen.getByRole("button", { name: "Devolver à IA" }));
  const dialog = await screen.findByRole("dialog");
  expect(dialog).toHaveTextContent("Uma mensagem sem resposta");
  expect(dialog).toHaveTextContent("o prazo de entrega, qual é?");
  expect(within(dialog).getByLabelText("A IA responde isto agora")).toBeChecked();
  await user.keyboard("{Escape}");
});

test("a parked message is decided by a person: it arrived", async () => {
  const user = await openConversation("Patrícia Lima");
  expect(screen.getByText(/Parada: espera a decisão.*Não se sabe se ela chegou/)).toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Chegou" }));
  await waitFor(() => expect(screen.queryByRole("button", { name: "Chegou" })).not.toBeInTheDocument());
});

test("a parked message is decided by a person: it leaves once more", async () => {
  const patricia = conversations.find(({ contact }) => contact.name === "Patrícia Lima");
  const reply = patricia?.messages.find((one: { text: string }) => one.text === "O prazo é de dois dias.");
  Object.assign(reply ?? {}, { status: "parked", error: { code: "unknown_outcome", title: "", detail: "" } });
  const user = await openConversation("Patrícia Lima");
  await user.click(screen.getByRole("button", { name: "Enviar de novo" }));
  expect(await screen.findByText("A mensagem vai sair de novo")).toBeInTheDocument();
  await waitFor(() => expect(screen.queryByText(/Parada: espera a decisão/)).not.toBeInTheDocument());
});

test("the rarer acts are in the menu: qualify, mute, and back to the AI", async () => {
  const user = await openConversation("Rafael Nogueira");
  const choose = async (name: string) => {
    await user.click(screen.getByRole("button", { name: "Mais ações" }));
    await user.click(await screen.findByRole("menuitem", { name }));
    return await screen.findByRole("dialog");
  };
  const qualify = await choose("Qualificar…");
  const field = within(qualify).getByLabelText("Score em %");
  await user.clear(field);
  await user.type(field, "90");
  await user.click(within(qualify).getByRole("button", { name: "Guardar" }));
  const score = () => screen.getByText("Score", { selector: "header dt" }).nextSibling;
  await waitFor(() => expect(score()).toHaveTextContent("90%"));
  const mute = await choose("Silenciar…");
  await user.click(within(mute).getByRole("button", { name: "Silenciar" }));
  expect(await screen.findByRole("button", { name: "Devolver à IA" })).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Assumir" })).toBeInTheDocument();
});

test("a conversation is passed to a colleague", async () => {
  const user = await openConversation("Joana Prado");
  await user.click(screen.getByRole("button", { name: "Mais ações" }));
  await user.click(await screen.findByRole("menuitem", { name: "Passar para…" }));
  const dialog = await screen.findByRole("dialog");
  await within(dialog).findByRole("option", { name: /Bruno Costa/ });
  await user.selectOptions(within(dialog).getByLabelText("Pessoa"), "u-bruno");
  await user.click(within(dialog).getByRole("button", { name: "Passar" }));
  expect(await screen.findByText("Bruno Costa", { selector: "header dd" })).toBeInTheDocument();
});

test("a supervisor lets a person in", async () => {
  const user = open(SUPERVISOR);
  await user.click(await screen.findByRole("link", { name: "Pessoas" }));
  await user.click(await screen.findByRole("button", { name: "Nova pessoa…" }));
  const dialog = await screen.findByRole("dialog");
  await user.type(within(dialog).getByLabelText("Nome"), "Dora");
  await user.type(within(dialog).getByLabelText("E-mail"), "dora@vitrine.test");
  await user.click(within(dialog).getByRole("button", { name: "Criar" }));
  expect(await screen.findByText("dora@vitrine.test")).toBeInTheDocument();
  expect(screen.getByText("senha inicial")).toBeInTheDocument();
});

test("a wrong current password is said, a right one is changed", async () => {
  const user = open(SUPERVISOR);
  await user.click(await screen.findByRole("button", { name: /Conta de/ }));
  await user.click(await screen.findByRole("menuitem", { name: "Trocar a senha…" }));
  const dialog = await screen.findByRole("dialog");
  await user.type(within(dialog).getByLabelText("Senha atual"), "errada");
  await user.type(within(dialog).getByLabelText("Senha nova"), "uma frase nova");
  await user.type(within(dialog).getByLabelText("Senha nova, de novo"), "uma frase nova");
  await user.click(within(dialog).getByRole("button", { name: "Trocar" }));
  expect(await screen.findByText("a senha atual não confere")).toBeInTheDocument();
  await user.clear(within(dialog).getByLabelText("Senha atual"));
  await user.type(within(dialog).getByLabelText("Senha atual"), "vitrine");
  await user.click(within(dialog).getByRole("button", { name: "Trocar" }));
  expect(await screen.findByText(/Senha trocada/)).toBeInTheDocument();
});

test("more than 4096 characters cannot be sent", async () => {
  const user = await openConversation("Maria Souza");
  const field = screen.getByRole("textbox", { name: "Responder" });
  await user.click(field);
  await user.paste("a".repeat(4097));
  expect(screen.getByText("4.097 / 4.096")).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Enviar" })).toBeDisabled();
});

test("the pause is confirmed, seen by all as a red bar, and lifted", async () => {
  const user = open(SUPERVISOR);
  await user.click(await screen.findByRole("link", { name: "Sistema" }));
  await user.click(await screen.findByRole("button", { name: "Pausar a IA…" }));
  const dialog = await screen.findByRole("dialog");
  expect(within(dialog).getByRole("button", { name: "Pausar tudo" })).toBeDisabled();
  await user.type(within(dialog).getByLabelText("Motivo"), "preço errado");
  await user.click(within(dialog).getByRole("button", { name: "Pausar tudo" }));
  const bar = await screen.findByRole("alert");
  expect(bar).toHaveTextContent("A IA está pausada. Por Ana Ribeiro, agora: preço errado");
  await user.click(within(bar).getByRole("button", { name: "Retomar" }));
  await waitFor(() => expect(screen.queryByText("A IA está pausada.")).not.toBeInTheDocument());
});

test("what the customer writes and the AI's stages appear live", async () => {
  await openConversation("Maria Souza");
  await fetch("/mock/customer", { method: "POST", body: JSON.stringify({ text: "Vocês entregam sábado?" }) });
  const log = screen.getByRole("log", { name: "Mensagens" });
  expect(await within(log).findByText("Vocês entregam sábado?")).toBeInTheDocument();
  expect(
    await within(log).findByText(/esperando o cliente terminar|lendo a conversa|pensando/),
  ).toBeInTheDocument();
});

test("an API refusal is shown with what to do about it", async () => {
  open(VENDOR);
  await screen.findByText("Patrícia Lima");
  const user = userEvent.setup();
  await user.click(screen.getByRole("link", { name: /Patrícia Lima/ }));
  await screen.findByRole("heading", { name: "Patrícia Lima" });
  const others = conversations.find(({ contact }) => contact.name === "Patrícia Lima");
  if (others) others.assignee = null;
  await user.click(screen.getByRole("button", { name: "Nota interna" }));
  await user.type(screen.getByRole("textbox", { name: "Nota interna" }), "ligar amanhã{Enter}");
  expect(await screen.findByText("Conversa não encontrada")).toBeInTheDocument();
  expect(screen.getByText(/Volte à lista/)).toBeInTheDocument();
  expect(screen.getByRole("textbox", { name: "Nota interna" })).toHaveValue("ligar amanhã");
});

test("what a person must know of the house stands above every page", async () => {
  const alerts = [
    {
      kind: "account_disabled",
      text: "Conta parada: a Meta desativou a conta. Nada é enviado.",
      since: new Date().toISOString(),
      until: null,
    },
  ];
  Object.assign(system, { alerts });
  try {
    open(VENDOR);
    expect(await screen.findByText(/a Meta desativou a conta/)).toBeInTheDocument();
  } finally {
    Object.assign(system, { alerts: [] });
  }
});

test("a message that may have arrived twice says so", async () => {
  const maria = conversations.find(({ contact }) => contact.name === "Maria Souza");
  const sent = maria?.messages.find((row: { direction: string }) => row.direction === "outbound");
  if (!sent) throw new Error("the scene has an answer");
  Object.assign(sent, { possible_duplicate: true });
  try {
    await openConversation("Maria Souza");
    expect(await screen.findByText("pode ter chegado duas vezes")).toBeInTheDocument();
  } finally {
    Object.assign(sent, { possible_duplicate: false });
  }
});

test("a broken promise is one line for a supervisor, and the system's screen says what to do", async () => {
  const [silent] = invariants as unknown as Invariant[];
  Object.assign(silent as Invariant, { violations: 1, ids: ["sender"], since: new Date().toISOString() });
  try {
    const user = open(SUPERVISOR);
    expect(await screen.findByRole("alert")).toHaveTextContent("Todos os atores da casa dão sinal de vida");
    await user.click(screen.getByRole("link", { name: "O que fazer" }));
    const card = await screen.findByRole("article");
    expect(card).toHaveTextContent("1 atores");
    expect(card).toHaveTextContent("reinicie o Vitrine");
    expect(card).toHaveTextContent("sender");
  } finally {
    Object.assign(silent as Invariant, { violations: 0, ids: [], since: null });
  }
});

test("a vendor is not asked to mend the house", async () => {
  const [silent] = invariants as unknown as Invariant[];
  Object.assign(silent as Invariant, { violations: 1 });
  try {
    open(VENDOR);
    await screen.findByRole("button", { name: "Na fila" });
    expect(screen.queryByText(/Não está valendo/)).not.toBeInTheDocument();
  } finally {
    Object.assign(silent as Invariant, { violations: 0 });
  }
});
