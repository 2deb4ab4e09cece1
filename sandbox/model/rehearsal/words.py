"""What the rehearsal seller says. No figure stands here: prices, dates and shares come from tools."""

from __future__ import annotations

W: dict[str, dict[str, str]] = {
    "greet": {
        "pt": "Oi{name}! Aqui é o assistente virtual da {company}.",
        "en": "Hi{name}! This is the virtual assistant of {company}.",
        "es": "¡Hola{name}! Soy el asistente virtual de {company}.",
    },
    "ask_need": {
        "pt": "Me conta: que tipo de comércio você tem e o que mais precisa organizar hoje?",
        "en": "Tell me: what kind of store do you have, and what would you most like to organise?",
        "es": "Cuéntame: ¿qué tipo de comercio tienes y qué es lo que más necesitas organizar?",
    },
    "ask_budget": {
        "pt": "Algum deles fica bom para o que você pretende investir?",
        "en": "Does one of them fit what you had in mind to invest?",
        "es": "¿Alguno encaja con lo que piensas invertir?",
    },
    "ask_budget_plain": {
        "pt": "E quanto você pensa em investir num sistema?",
        "en": "And how much do you have in mind to invest in a system?",
        "es": "¿Y cuánto piensas invertir en un sistema?",
    },
    "ask_timing": {
        "pt": "E para quando você gostaria de começar?",
        "en": "And when would you like to start?",
        "es": "¿Y para cuándo te gustaría empezar?",
    },
    "ask_call": {
        "pt": "Quer que eu marque uma ligação rápida com nosso time? Diga o dia e o horário que ficam bons.",
        "en": "Shall I book a quick call with our team? Tell me the day and time that suit you.",
        "es": "¿Quieres que agende una llamada rápida con el equipo? Dime el día y la hora que te convienen.",
    },
    "understood": {
        "pt": "Entendi, obrigado por contar.",
        "en": "Got it, thanks for telling me.",
        "es": "Entendido, gracias por contarme.",
    },
    "offers": {
        "pt": "Veja o que temos para isso:",
        "en": "Here is what we have for that:",
        "es": "Mira lo que tenemos para eso:",
    },
    "no_offers": {
        "pt": "Não encontrei isso no nosso catálogo agora, e não quero inventar. Posso chamar uma pessoa da equipe para confirmar?",
        "en": "I could not find that in our catalogue just now, and I will not make it up. Shall I ask a person of our team?",
        "es": "No lo encontré en nuestro catálogo ahora y no quiero inventar. ¿Llamo a una persona del equipo?",
    },
    "qualified": {
        "pt": "Ótimo, já tenho o que preciso. Vou passar você para uma pessoa do nosso time de vendas, com tudo o que conversamos. Se quiser já deixar uma ligação marcada, diga o dia e o horário.",
        "en": "Great, I have what I need. I am passing you to a person of our sales team with everything we discussed. To book a call already, tell me the day and time.",
        "es": "Perfecto, ya tengo lo necesario. Te paso con una persona de ventas con todo lo que conversamos. Para agendar una llamada, dime el día y la hora.",
    },
    "scheduled": {
        "pt": "Combinado! Deixei a ligação registrada para {when}. Nosso time fala com você.",
        "en": "Done! I noted the call for {when}. Our team will talk to you.",
        "es": "¡Listo! Dejé anotada la llamada para {when}. Nuestro equipo te contactará.",
    },
    "schedule_failed": {
        "pt": "Nesse horário a equipe não consegue ligar. Que outro dia e horário, dentro do expediente, fica bom para você?",
        "en": "The team cannot call at that time. Which other day and time, within business hours, would suit you?",
        "es": "En ese horario el equipo no puede llamar. ¿Qué otro día y hora, en horario comercial, te conviene?",
    },
    "ask_when": {
        "pt": "Claro! Que dia e horário ficam bons para a ligação?",
        "en": "Of course! Which day and time suit you for the call?",
        "es": "¡Claro! ¿Qué día y hora te convienen para la llamada?",
    },
    "human": {
        "pt": "Claro, vou chamar uma pessoa da equipe agora. Ela vai ver toda a nossa conversa, então você não precisa repetir nada.",
        "en": "Of course, I am calling a person of our team. They will see our whole conversation, so you need not repeat anything.",
        "es": "Claro, llamo a una persona del equipo. Verá toda nuestra conversación, no hace falta repetir nada.",
    },
    "anger": {
        "pt": "Sinto muito por essa experiência. Vou chamar agora uma pessoa da equipe para cuidar disso com você.",
        "en": "I am sorry about this experience. I am calling a person of our team right away to take care of it.",
        "es": "Lamento mucho esta experiencia. Llamo ahora mismo a una persona del equipo para ayudarte.",
    },
    "dispute": {
        "pt": "Sinto muito pelo transtorno. Vou chamar uma pessoa da equipe para conferir essa cobrança com você.",
        "en": "Sorry for the trouble. I am calling a person of our team to check this charge with you.",
        "es": "Lamento el inconveniente. Llamo a una persona del equipo para revisar este cobro contigo.",
    },
    "cancel": {
        "pt": "Entendi que você quer cancelar. {fact}Vou chamar uma pessoa da equipe para cuidar disso com você.",
        "en": "I understand you want to cancel. {fact}I am calling a person of our team to take care of it.",
        "es": "Entiendo que quieres cancelar. {fact}Llamo a una persona del equipo para ayudarte.",
    },
    "second_copy": {
        "pt": "{fact}Para proteger seus dados, uma pessoa da equipe confirma o titular e cuida da segunda via. Já estou chamando.",
        "en": "{fact}To protect your data, a person of our team confirms the holder and takes care of the bill copy. I am calling them.",
        "es": "{fact}Para proteger tus datos, una persona del equipo confirma al titular y se ocupa de la copia. Ya la llamo.",
    },
    "paid": {
        "pt": "Obrigado por avisar! Não consigo confirmar o pagamento por aqui; uma pessoa do financeiro vai conferir e responder.",
        "en": "Thanks for telling us! I cannot confirm the payment here; a person of finance will check and answer.",
        "es": "¡Gracias por avisar! No puedo confirmar el pago aquí; una persona de finanzas lo revisará.",
    },
    "discount": {
        "pt": "Não posso conceder condição especial por conta própria. {fact}Quer que eu peça a uma pessoa da equipe para ver isso com você?",
        "en": "I cannot grant special conditions myself. {fact}Shall I ask a person of our team to look into it?",
        "es": "No puedo conceder condiciones especiales por mi cuenta. {fact}¿Le pido a una persona del equipo que lo vea contigo?",
    },
    "support": {
        "pt": "Sinto muito pelo transtorno. {fact}Vou chamar uma pessoa do suporte. Enquanto isso, o que aparece na tela?",
        "en": "Sorry for the trouble. {fact}I am calling a person of support. Meanwhile, what do you see on the screen?",
        "es": "Lamento el inconveniente. {fact}Llamo a una persona de soporte. Mientras tanto, ¿qué aparece en la pantalla?",
    },
    "fact_more": {
        "pt": "Posso ajudar em mais alguma coisa?",
        "en": "Can I help with anything else?",
        "es": "¿Puedo ayudar en algo más?",
    },
    "fact_missing": {
        "pt": "Não tenho essa informação aqui e não quero inventar. Quer que eu chame uma pessoa da equipe?",
        "en": "I do not have that information here and I will not make it up. Shall I call a person of our team?",
        "es": "No tengo esa información aquí y no quiero inventar. ¿Llamo a una persona del equipo?",
    },
    "robot": {
        "pt": "Sou um assistente virtual da {company}, e este é um ensaio sem modelo real. Se preferir falar com uma pessoa, é só dizer.",
        "en": "I am a virtual assistant of {company}, and this is a rehearsal without a real model. If you prefer a person, just say so.",
        "es": "Soy un asistente virtual de {company}, y esto es un ensayo sin modelo real. Si prefieres una persona, dímelo.",
    },
    "stop": {
        "pt": "Tudo bem, não vamos mais mandar mensagens. Se mudar de ideia, é só escrever.",
        "en": "All right, we will not send further messages. If you change your mind, just write.",
        "es": "De acuerdo, no enviaremos más mensajes. Si cambias de idea, escríbenos.",
    },
    "privacy": {
        "pt": "{fact}Vou pedir a uma pessoa da equipe para cuidar do seu pedido sobre os seus dados.",
        "en": "{fact}I will ask a person of our team to take care of your request about your data.",
        "es": "{fact}Pediré a una persona del equipo que atienda tu solicitud sobre tus datos.",
    },
    "wrong_person": {
        "pt": "Desculpe o incômodo! Vou registrar que este número não é da pessoa que procuramos.",
        "en": "Sorry for the bother! I will note that this number does not belong to the person we looked for.",
        "es": "¡Disculpa la molestia! Anotaré que este número no es de la persona que buscábamos.",
    },
    "injection": {
        "pt": "Sigo as regras deste atendimento e não posso mudá-las por mensagem. Posso ajudar com os planos e produtos da {company}?",
        "en": "I follow the rules of this service and cannot change them by message. May I help with the plans and products of {company}?",
        "es": "Sigo las reglas de esta atención y no puedo cambiarlas por mensaje. ¿Te ayudo con los planes y productos de {company}?",
    },
    "off_topic": {
        "pt": "Essa eu não sei responder: aqui cuido só dos produtos e do atendimento da {company}. Posso ajudar com algo do seu comércio?",
        "en": "I cannot answer that one: here I only take care of the products and service of {company}. May I help with your store?",
        "es": "Eso no lo sé: aquí solo atiendo los productos y servicios de {company}. ¿Te ayudo con algo de tu comercio?",
    },
    "job": {
        "pt": "Obrigado pelo interesse em trabalhar conosco! Por aqui cuido de vendas e atendimento; vou registrar seu pedido para a equipe.",
        "en": "Thanks for your interest in working with us! Here I handle sales and service; I will note your request for the team.",
        "es": "¡Gracias por tu interés en trabajar con nosotros! Aquí atiendo ventas; anotaré tu solicitud para el equipo.",
    },
    "trust": {
        "pt": "Faz bem em perguntar. {fact}Nunca pedimos senha nem número de cartão por aqui. Se quiser, chamo uma pessoa da equipe.",
        "en": "You are right to ask. {fact}We never ask for passwords or card numbers here. I can call a person of our team if you like.",
        "es": "Haces bien en preguntar. {fact}Nunca pedimos contraseñas ni tarjetas por aquí. Si quieres, llamo a una persona.",
    },
    "thanks": {
        "pt": "Eu que agradeço! Se precisar de algo mais, é só chamar.",
        "en": "Thank you! If you need anything else, just write.",
        "es": "¡Gracias a ti! Si necesitas algo más, escríbeme.",
    },
    "emoji": {
        "pt": "Recebi! 🙂 Como posso ajudar você com o seu comércio?",
        "en": "Got it! 🙂 How can I help you with your store?",
        "es": "¡Recibido! 🙂 ¿Cómo te ayudo con tu comercio?",
    },
    "image": {
        "pt": "Recebi a sua imagem. Neste ensaio sem modelo real eu não consigo ver o conteúdo dela. Pode me dizer por escrito do que se trata?",
        "en": "I received your image. In this rehearsal without a real model I cannot see it. Could you tell me in writing what it is about?",
        "es": "Recibí tu imagen. En este ensayo sin modelo real no puedo verla. ¿Me cuentas por escrito de qué se trata?",
    },
    "audio": {
        "pt": "Recebi o seu áudio. Neste ensaio sem modelo real eu não consigo ouvir. Pode escrever em poucas palavras? Se preferir, chamo uma pessoa.",
        "en": "I received your audio. In this rehearsal without a real model I cannot listen. Could you write it in a few words?",
        "es": "Recibí tu audio. En este ensayo sin modelo real no puedo escucharlo. ¿Puedes escribirlo en pocas palabras?",
    },
    "file": {
        "pt": "Recebi o que você enviou. Neste ensaio sem modelo real eu não consigo abrir. Pode me dizer por escrito do que se trata?",
        "en": "I received what you sent. In this rehearsal without a real model I cannot open it. Could you tell me in writing what it is?",
        "es": "Recibí lo que enviaste. En este ensayo sin modelo real no puedo abrirlo. ¿Me cuentas por escrito qué es?",
    },
    "no": {
        "pt": "Sem problema! Fico por aqui se quiser ver algo depois.",
        "en": "No problem! I am here if you want to look at something later.",
        "es": "¡Sin problema! Aquí estoy si quieres ver algo después.",
    },
    "unknown": {
        "pt": "Este é um ensaio sem modelo real e eu não sei responder bem a isso. Posso mostrar nossos planos ou chamar uma pessoa da equipe: o que prefere?",
        "en": "This is a rehearsal without a real model and I cannot answer that well. I can show our plans or call a person of our team: which do you prefer?",
        "es": "Este es un ensayo sin modelo real y no sé responder bien a eso. Puedo mostrar nuestros planes o llamar a una persona: ¿qué prefieres?",
    },
    "again": {
        "pt": "Acho que estou me repetindo, e isso não ajuda. Prefere que uma pessoa da equipe continue com você?",
        "en": "I think I am repeating myself, which does not help. Would you rather a person of our team continued?",
        "es": "Creo que me estoy repitiendo, y eso no ayuda. ¿Prefieres que una persona del equipo continúe contigo?",
    },
    "checked": {
        "pt": "Prefiro confirmar isso com uma pessoa da equipe antes de afirmar qualquer coisa. Posso chamá-la?",
        "en": "I would rather confirm that with a person of our team before saying anything. Shall I call them?",
        "es": "Prefiero confirmarlo con una persona del equipo antes de afirmar algo. ¿La llamo?",
    },
}

TOPICS: dict[str, str] = {
    "hours": "horário de atendimento",
    "delivery": "entrega",
    "address": "endereço",
    "trial": "teste",
    "invoice": "nota fiscal",
    "integration": "integrações",
    "payment": "formas de pagamento",
    "cancel": "cancelamento",
    "second_copy": "segunda via de boleto",
    "support": "suporte",
    "privacy": "privacidade",
    "trust": "empresa",
    "discount": "formas de pagamento",
}


def say(key: str, language: str, **parts: str) -> str:
    text = W[key].get(language) or W[key]["pt"]
    return text.format(**{"name": "", "company": "", "fact": "", **parts})
