import { Link } from "react-router";
import { Empty } from "@/ui/states";

export function NotFoundScreen() {
  return (
    <Empty title="Esta página não existe">
      <Link to="/conversas">Voltar às conversas</Link>
    </Empty>
  );
}
