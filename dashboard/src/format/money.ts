const BRL = new Intl.NumberFormat("pt-BR", { style: "currency", currency: "BRL" });
const USD_FINE = new Intl.NumberFormat("pt-BR", {
  style: "currency",
  currency: "USD",
  minimumFractionDigits: 2,
  maximumFractionDigits: 4,
});
const INTEGER = new Intl.NumberFormat("pt-BR");
const DECIMAL = new Intl.NumberFormat("pt-BR", { maximumFractionDigits: 2 });

/** `usdMicros` tells a cost below one centavo from none. */
export function formatCost(centavos: number, usdMicros: number): string {
  if (centavos === 0 && usdMicros > 0) return "< R$ 0,01";
  return BRL.format(centavos / 100);
}

export const formatUsd = (micros: number): string => USD_FINE.format(micros / 1_000_000);
export const formatCount = (value: number): string => INTEGER.format(value);
export const formatDecimal = (value: number): string => DECIMAL.format(value);
export const formatScore = (score: number): string => `${Math.round(score * 100)}%`;

export function formatBytes(bytes: number): string {
  return bytes >= 1 << 30 ? `${DECIMAL.format(bytes / (1 << 30))} GB` : `${Math.round(bytes / (1 << 20))} MB`;
}
