"""What players ask about a persona and what the character answers: questions and answers by kind of fact.

Answers name what was asked about first and go on with what the persona says of it, so that a small model can find the fact by its own words:
"The old mill" then "is behind the bridge" or "? I don't know where that is".
"""
from dataclasses import dataclass, field


@dataclass
class Ask:
    questions: list
    answers: list
    must: list = field(default_factory=list)   # slots whose value a right answer contains
    action: str = "none"
    target: str = ""                           # slot of the target
    refusal: bool = False


WHERE = ["Where is the $x?", "Where is the $x?", "Where can I find the $x?", "Where's the $x?", "Where would I find the $x?", "I need to find the $x.",
         "Show me the way to the $x.", "How can I get to the $x?", "I want to go to the $x.", "Is the $x far?", "How do I get to the $x?", "I'm looking for the $x.",
         "{Can you tell me|Do you know} the way to the $x?", "Which way to the $x?", "Do you know where the $x is?", "Take me to the $x.", "The $x, where is it?",
         "Do you know the $x?", "And the $x?", "What about the $x?", "Is there a $x here?", "How far is the $x?", "I have to go to the $x."]
PRICE = ["How much is the $i?", "What does the $i cost?", "How much does the $i cost?", "Price of the $i?", "Tell me the price of the $i.", "How much is that $i?",
         "What do you want for the $i?", "What's the price of the $i?", "How much for the $i?", "And the $i?", "How many $c for the $i?",
         "How much do you want for the $i?", "Is the $i expensive?", "What is the price of the $i?"]
HAS = ["Do you have $ai?", "Do you sell $ai?", "Have you got $ai?", "I need $ai.", "I am looking for $ai."]
BUY = ["I'll take the $i.", "I'd like to buy the $i.", "I want the $i.", "Give me the $i.", "Sell me the $i.", "One $i, please.", "I will buy the $i.",
       "I want to buy $ai."]
SELL = ["What do you sell?", "What have you got for sale?", "What are you selling?", "Show me what you have.", "Let me see your goods.", "What do you have?",
        "Can I buy something?", "Show me your wares.", "What can I buy here?", "Do you sell anything?", "I want to buy something.", "What goods do you have?",
        "What is for sale?", "What is in your shop?"]
RUMOUR = ["Any rumours?", "Heard anything interesting?", "Any gossip?", "Do you know any secrets?", "What is new?", "Anything new around here?",
          "What's going on in $town?", "Do you have any news?", "What's the news?", "Have you heard any rumours?", "What are people saying?", "Any news in $town?",
          "Tell me a rumour.", "What do you hear?", "What have you heard?"]
RUMOUR_MORE = ["Any other rumours?", "What else have you heard?", "Anything else?", "Tell me another rumour.", "Any more news?"]
QUEST = ["Do you have any work for me?", "Any quests?", "Do you have a job for me?", "Do you have a quest?", "I need work.", "Can I do something for you?",
         "Do you need any help?", "Do you need help?", "I am looking for work.", "Can I help you with something?", "Is there anything I can do?", "Need a hand?",
         "Got any jobs?", "Is there a job for me?", "I want to earn some coin."]
REWARD = ["What is the reward?", "What do you pay?", "How much does it pay?", "What will I get?", "What is in it for me?", "How much will you pay me?",
          "What do I get for the job?", "And the reward?", "What do you offer?"]
WHO_IS = ["Who is $y?", "Who is $y?", "Do you know $y?", "Have you met $y?", "Do you know someone called $y?", "Who's $y?"]
OPINION = ["What do you think of $y?", "Do you {trust|like} $y?", "Is $y honest?", "What can you tell me about $y?", "How do you feel about $y?", "Tell me about $y.",
           "Is $y a friend of yours?", "What about $y?", "Can I trust $y?"]
FIND_PERSON = ["Where is $y?", "Where can I find $y?", "Where does $y live?", "I am looking for $y.", "I have a letter for $y."]
WHOSE = ["Who is your $rel?", "Do you have $arel?", "Tell me about your $rel.", "What is the name of your $rel?", "What is your $rel called?"]
CARRIES = ["What is that you are carrying?", "Do you own anything of value?", "What have you got there?", "What is your treasure?", "What do you own?"]
ABOUT_OWN = ["Tell me about your $i.", "Where did you get the $i?", "Where did you get that $i?", "What is that $i?"]
GIVE = ["Give me your $i.", "Can I have your $i?", "Sell me your $i.", "Would you part with the $i?"]
LIKE = ["What do you like?", "What do you love?", "What is your favourite food?", "What would make you happy?", "What do you like to eat?"]
FEAR = ["What are you afraid of?", "What do you fear?", "Is there anything that scares you?", "What scares you?"]
AGE = ["How old are you?", "What is your age?", "How many years have you lived?"]

ASKS = {
    "place": [Ask(WHERE, ["<The $x is $d>."], ["d"], "point_to", "x")],
    "person": [Ask(FIND_PERSON, ["<$y lives $d>."], ["d"], "point_to", "y"), Ask(WHO_IS, ["<$y is $atr and lives $d>."], ["tr"], target="y")],
    "ware": [Ask(PRICE, ["<The $i costs $p $c>."], ["price"], "open_shop", "i"), Ask(PRICE, ["<The $i costs $p $c>."], ["price"], "open_shop", "i"),
             Ask(HAS, ["<The $i costs $p $c>."], ["price"], "open_shop", "i"),
             Ask(BUY, ["<The $i costs $p $c>.{| Here you are.| A good choice.| Thank you.}"], ["price"], "give_item", "i")],
    "shop": [Ask(SELL, ["<I sell $priced>."], ["items"], "open_shop")],
    "rumour": [Ask(RUMOUR, ["<They say that $r>."], ["r"])],
    "quest": [Ask(QUEST, ["<I need someone to $g. I will pay $r>."], ["g", "r"]), Ask(QUEST, ["<I need someone to $g. I will pay $r>."], ["g", "r"]),
              Ask(REWARD, ["<I will pay $r>."], ["r"]),
              Ask(["I will do it.", "I accept the quest.", "You can count on me.", "Consider it done.", "I'll help you."],
                  ["{Good|Excellent|Very well|Thank you}. <I need someone to $g. I will pay $r>."], ["g"]),
              Ask(["I have done it.", "The quest is done.", "It is done.", "I did what you asked.", "Give me my reward."],
                  ["{Well done|Good work|Thank you|Excellent}. <I will pay $r>{|, as promised}."], ["r"], "give_item", "r")],
    "relation": [Ask(WHO_IS, ["<$y is my $rel, $atr>."], ["rel"], target="y"), Ask(OPINION, ["<$y is my $rel. I $feel $y because $y $w>."], ["feel", "w"], target="y"),
                 Ask(OPINION, ["<$y is my $rel. I $feel $y because $y $w>."], ["feel", "w"], target="y"),
                 Ask(WHOSE, ["<My $rel is $y, $atr>."], ["y"], target="y")],
    "owned": [Ask(CARRIES + ABOUT_OWN, ["<My $i, $s>."], ["s"], target="i"), Ask(GIVE, ["<My $i is not for sale>."], ["i"], target="i")],
    "likes": [Ask(LIKE, ["<I love $a>."], ["a"]), Ask(FEAR, ["<I fear $b>."], ["b"])],
    "age": [Ask(AGE, ["<I am $n years old>."], ["n"])],
}
# Asked of a persona that holds no such fact.
UNKNOWN = {
    "place": Ask(WHERE, ["<The $x? I don't know> where {it|that} is.{|| Ask the guards.| Ask someone else.}", "<The $x? I have never heard of> it."],
                 refusal=True),
    "person": Ask(WHO_IS + OPINION + FIND_PERSON, ["<$y? I don't know> anyone {by that name|called $y}.", "<$y? I have never heard of> $y."], refusal=True),
    "ware": Ask(PRICE + HAS + BUY, ["<The $i? I don't have> that. <I sell $list>."], refusal=True),
    "shop": Ask(SELL, ["<I don't sell anything>. I am $atrade."], refusal=True),
    "item": Ask(PRICE + HAS + BUY, ["<The $i? I don't sell> anything. I am $atrade."], refusal=True),
    "rumour": Ask(RUMOUR, ["<I have heard nothing> new.", "<I don't know any> rumours."], refusal=True),
    "rumour_more": Ask(RUMOUR_MORE, ["<I have heard nothing> else."], refusal=True),
    "quest": Ask(QUEST + REWARD, ["<I have no work> for you.{|| Ask at the inn.}"], refusal=True),
    "relation": Ask(WHOSE, ["<My $rel? I don't have> $arel."], refusal=True),
    "owned": Ask(CARRIES, ["<I don't have> anything of value."], refusal=True),
    "likes": Ask(LIKE + FEAR, ["<I don't know>. I never thought about it."], refusal=True),
    "age": Ask(AGE, ["<I don't know> how old I am. {I never counted.|Old enough.}"], refusal=True),
    "whereabouts": Ask(FIND_PERSON, ["<$y? I don't know> where $y is."], refusal=True),
}
# A right refusal contains one of these.
REFUSALS = ["don't know", "do not know", "never heard", "no idea", "don't sell", "do not sell", "don't have", "have no", "no work", "heard nothing",
            " here, only", " here, just"]

IDENTITY = {
    "name": Ask(["Who are you?", "What is your name?", "Tell me your name.", "Do you have a name?", "What do people call you?", "Introduce yourself.",
                 "What should I call you?", "What's your name?", "Tell me about yourself.", "And you are?", "May I ask your name?", "Who am I speaking to?",
                 "Hi, who's there?", "Hello, who are you?"],
                ["<I am $name, $atrade in $town>."], ["name"]),
    "trade": Ask(["What do you do?", "What is your trade?", "What do you do here?", "What's your job?", "How do you earn your bread?", "Are you a guard?",
                  "What are you?", "What do you do for a living?", "What is your job?", "What kind of work do you do?"],
                 ["<I am $atrade> {here in|in} <$town>."], ["trade"]),
    "town": Ask(["What is this place called?", "Where am I?", "Which town is this?", "What town is this?"], ["<This is $town>."], ["town"]),
    "home": Ask(["Where do you live?", "Where are you from?", "Where do you come from?", "Where is your home?"], ["<I live in $town>."], ["town"]),
}


@dataclass
class Memory:
    """Something a player tells, and how it is asked back later."""
    says: list
    reply: list
    asks: list
    recall: list


MEMORIES = {
    "p": Memory(["I am $p.", "My name is $p.", "Call me $p.", "I'm $p, {a traveller|a knight|new here|nice to meet you}.", "They call me $p."],
                ["<{Well met|Good to meet you|Nice to meet you}, $p>. I am <$name>."],
                ["Do you remember my name?", "What is my name?", "What did I say my name was?", "Who am I?", "What am I called?"], ["<You are $p>."]),
    "t": Memory(["I come from $t.", "I am from $t.", "My home is $t.", "I have come all the way from $t."],
                ["<$t>? {That is far from $town.|I have never been to <$t>.}"],
                ["Where do I come from?", "Do you remember where I am from?", "Where did I say my home is?"], ["<You come from $t>."]),
    "money": Memory(["I have $money.", "I only have $money.", "I carry $money with me."], ["<$money>? {Keep it safe.|That is not nothing.}"],
                    ["How much money do I have?", "What did I say I have?", "How much do I carry?"], ["<You have $money>."]),
    "i": Memory(["I am looking for my $i.", "I lost my $i.", "Someone stole my $i."], ["<Your $i>? {I will keep my eyes open.|A sad loss.}"],
                ["What did I lose?", "What am I looking for?", "Do you remember what I lost?"], ["<You lost your $i>."]),
    "tr": Memory(["I am $atr.", "I work as $atr.", "I'm $atr by trade."], ["<{A $tr|You are $atr}>? {Good to know.|An honest trade.}"],
                 ["What is my trade?", "What do I do for a living?", "What did I say my trade is?"], ["<You are $atr>."]),
}
AGAIN = ["What did you say?", "Say that again.", "Pardon?", "Please repeat that.", "I did not hear you. Say it again."]
