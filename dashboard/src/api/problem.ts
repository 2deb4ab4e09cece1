/** An API refusal (RFC 9457 problem details) or a request that never got an answer (`status` 0). */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";

  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string | null,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(title);
  }

  /** True when the same request may succeed later without anybody changing it. */
  get isTemporary(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  /** What the person can do about it, in one sentence. */
  get advice(): string {
    switch (this.status) {
      case 0:
        return "Confira a sua conexão e tente de novo.";
      case 401:
        return "Entre de novo para continuar.";
      case 403:
        return "Seu perfil não permite isto. Peça a um supervisor.";
      case 404:
        return "Pode ter sido encerrada, apagada ou passada a outra pessoa. Volte à lista.";
      case 409:
        return "Alguém mexeu nisto antes. Os dados foram recarregados; confira e repita.";
      case 422:
        return "Corrija o que foi digitado e envie de novo.";
      case 429:
        return `Muitos pedidos. Espere ${this.retryAfterSeconds ?? 60} s e tente de novo.`;
      default:
        return this.status >= 500
          ? "O servidor não conseguiu atender. Tente de novo em instantes."
          : "Confira e tente de novo.";
    }
  }
}

export async function problemFrom(response: Response): Promise<ApiProblem> {
  const body: unknown = await response.json().catch(() => null);
  const fields = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const retryAfter = Number(response.headers.get("Retry-After"));
  return new ApiProblem(
    response.status,
    typeof fields.title === "string" ? fields.title : `Erro ${response.status}`,
    typeof fields.detail === "string" ? fields.detail : null,
    Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter : null,
  );
}

export function problemFromUnknown(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  return new ApiProblem(0, "Não deu para falar com o servidor", null);
}
