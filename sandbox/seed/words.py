"""The words of the fictitious company: catalogue, knowledge texts, names. Portuguese on purpose."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]

FIRST_NAMES = (
    "Ana", "Bruno", "Carla", "Diego", "Eduarda", "Fábio", "Gabriela", "Henrique", "Isabela", "João",
    "Karina", "Leandro", "Márcia", "Nelson", "Olívia", "Paulo", "Quitéria", "Rafael", "Sandra", "Tiago",
    "Úrsula", "Vítor", "Wagner", "Yasmin", "Zélia", "Luciana", "Rogério", "Simone", "Cláudio", "Patrícia",
)  # fmt: skip
LAST_NAMES = (
    "Almeida", "Barbosa", "Cardoso", "Duarte", "Esteves", "Ferreira", "Gonçalves", "Henriques", "Lima",
    "Machado", "Nascimento", "Oliveira", "Pereira", "Queiroz", "Ribeiro", "Santana", "Teixeira", "Vieira",
)  # fmt: skip
STORE_WORDS = (
    "Mercado",
    "Padaria",
    "Papelaria",
    "Pet Shop",
    "Loja",
    "Empório",
    "Farmácia",
    "Bazar",
    "Oficina",
)


def _product(sku: str, name: str, kind: str, price: int, floor: int, unit: str, text: str) -> Row:
    return {
        "sku": sku,
        "name": name,
        "kind": kind,
        "price_centavos": price,
        "floor_centavos": floor,
        "currency": "BRL",
        "unit": unit,
        "description": text,
        "active": True,
    }


PRODUCTS: tuple[Row, ...] = (
    _product("PLANO-INICIAL", "Plano Inicial", "plan", 8_990, 7_990, "por mês",
             "Frente de caixa (PDV) e controle de estoque para uma loja e até 2 usuários."),
    _product("PLANO-CRESCER", "Plano Crescer", "plan", 16_990, 14_990, "por mês",
             "PDV, estoque, emissão de nota fiscal (NFC-e e NF-e) e financeiro para até 5 usuários."),
    _product("PLANO-REDE", "Plano Rede", "plan", 34_990, 29_990, "por mês",
             "Tudo do Crescer para até 3 lojas, com relatórios por loja e 15 usuários."),
    _product("PLANO-ANUAL-CRESCER", "Plano Crescer Anual", "plan", 183_490, 169_900, "por ano",
             "O Plano Crescer pago uma vez por ano."),
    _product("MODULO-DELIVERY", "Módulo Delivery", "module", 4_990, 4_490, "por mês",
             "Receba pedidos do seu cardápio digital e dos aplicativos de entrega no mesmo PDV."),
    _product("MODULO-FISCAL", "Módulo Nota Fiscal", "module", 3_990, 3_490, "por mês",
             "Emissão de NFC-e e NF-e ilimitada para o Plano Inicial."),
    _product("MODULO-LOJA-VIRTUAL", "Módulo Loja Virtual", "module", 7_990, 6_990, "por mês",
             "Loja virtual integrada ao estoque, com Pix e cartão."),
    _product("USUARIO-EXTRA", "Usuário adicional", "module", 1_990, 1_990, "por mês",
             "Um usuário a mais em qualquer plano."),
    _product("IMPLANTACAO", "Implantação assistida", "service", 49_900, 39_900, "pagamento único",
             "Configuração, importação de produtos e treinamento de 4 horas por vídeo."),
    _product("MAQUININHA", "Leitor de código de barras", "hardware", 18_900, 17_500, "unidade",
             "Leitor USB compatível com todos os planos, entregue em casa."),
)  # fmt: skip


def _text(key: str, title: str, body: str, *tags: str) -> Row:
    return {"id": key, "title": title, "body": body, "tags": list(tags)}


KNOWLEDGE: tuple[Row, ...] = (
    _text("horario", "Horário de atendimento",
          "Nossa equipe atende de segunda a sexta, das 9h às 18h; aos sábados e domingos não há plantão. "
          "O assistente virtual responde a qualquer hora.", "horário", "funcionamento", "abre", "fecha"),
    _text("entrega", "Entrega e instalação",
          "O sistema é on-line: não há entrega, o acesso chega por e-mail no mesmo dia. Leitores de código de barras "
          "são entregues em todo o Brasil pelos Correios.", "entrega", "frete", "instalação", "prazo"),
    _text("suporte", "Suporte técnico",
          "O suporte é gratuito em todos os planos, por WhatsApp e por vídeo. Problemas que param o caixa têm "
          "prioridade.", "suporte", "problema", "erro", "travou", "ajuda"),
    _text("cancelamento", "Política de cancelamento",
          "O plano mensal pode ser cancelado quando quiser, sem multa; o acesso segue até o fim do período já pago. "
          "Uma pessoa da equipe confirma o cancelamento.", "cancelar", "cancelamento", "multa", "fidelidade"),
    _text("pagamento", "Formas de pagamento",
          "Aceitamos Pix, boleto, cartão de crédito e débito automático.", "pagamento", "pix", "boleto", "cartão"),
    _text("segunda-via", "Segunda via de boleto",
          "A segunda via do boleto está na área do cliente, em Financeiro, Faturas. A equipe também envia por aqui "
          "depois de confirmar os dados do titular.", "segunda via", "boleto", "2ª via", "fatura"),
    _text("teste", "Teste grátis",
          "Todos os planos têm um período de teste sem cartão, combinado com a equipe de vendas.",
          "teste", "grátis", "demonstração", "experimentar"),
    _text("fiscal", "Nota fiscal",
          "O Plano Crescer e o Plano Rede emitem NFC-e e NF-e; no Plano Inicial, contrate o Módulo Nota Fiscal.",
          "nota", "fiscal", "nfe", "nfce"),
    _text("integracao", "Integrações",
          "Integramos com balanças, impressoras térmicas, maquininhas de cartão e aplicativos de entrega.",
          "integração", "balança", "impressora", "maquininha", "ifood"),
    _text("privacidade", "Privacidade",
          "Seus dados são usados só para este atendimento. Você pode pedir a exclusão a qualquer momento por aqui.",
          "lgpd", "dados", "privacidade", "excluir"),
    _text("endereco", "Onde estamos",
          "Somos uma empresa fictícia de demonstração, sem endereço para visitas: atendemos só on-line, em todo o Brasil.",
          "endereço", "onde", "loja física", "visitar"),
)  # fmt: skip

OPERATORS: tuple[Row, ...] = (
    {"name": "Helena Prado", "email": "helena@mercante.example", "role": "supervisor"},
    {"name": "Otávio Reis", "email": "otavio@mercante.example", "role": "supervisor"},
    {"name": "Camila Torres", "email": "camila@mercante.example", "role": "vendor"},
    {"name": "Renato Dias", "email": "renato@mercante.example", "role": "vendor"},
    {"name": "Júlia Campos", "email": "julia@mercante.example", "role": "agent"},
    {"name": "Davi Moura", "email": "davi@mercante.example", "role": "agent"},
)
