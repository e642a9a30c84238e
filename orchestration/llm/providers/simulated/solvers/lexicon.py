"""Word lists behind the classifier: a topic's own names, then words that speak for it (as stems)."""

from __future__ import annotations

import re

_TOPICS = """
sports sport athletics: match game team goal score player coach league football soccer tennis basketball
 baseball hockey cricket champion tournament olympic athlete stadium win won victory season cup race
 marathon medal referee striker quarterback penalty playoff run runner swim golf defeat half-time overtime
 final
politics political government policy: election vote voter president minister parliament senate congress
 government policy law bill campaign party candidate diplomat treaty governor mayor legislation democrat
 republican coalition sanction ambassador reform cabinet referendum opposition lawmaker
technology tech computing software computers it: software computer app phone chip processor robot algorithm
 internet startup smartphone laptop data code program device ai digital cyber server cloud browser gadget
 battery update encryption developer programmer artificial network website processors hardware
business economy finance economics financial markets money: market stock company profit revenue share
 investor bank trade economy inflation merger sales shareholder dividend quarterly earnings price tax loan
 interest currency ceo acquisition startup bond fund invest economic rate growth budget export
science research scientific: scientist study research experiment physics chemistry biology planet space
 telescope particle molecule theory laboratory discovery species galaxy nasa quantum fossil astronomer gene
 evolution star comet researcher atom rocket orbit
health medicine medical healthcare wellness: doctor patient hospital disease vaccine drug treatment medicine
 symptom nurse virus health surgery therapy diet clinical diagnosis cancer flu infection fever pain heart
 exercise blood medication sleep
entertainment movies film music arts culture celebrity: movie film actor actress song album concert singer
 music band director television show theater theatre celebrity festival box-office premiere award oscar
 guitar painting museum novel series comedy drama
travel tourism: flight hotel trip tourist vacation beach airline passport airport holiday destination
 luggage travel cruise itinerary sightseeing resort journey visa suitcase
food cooking cuisine recipe recipes restaurant: recipe cook bake oven restaurant meal dish delicious
 ingredient flavor flour sugar salt chef dinner lunch breakfast soup cheese bread sauce taste eat kitchen
 butter tasty pasta
weather climate environment nature: rain snow storm sunny cloud temperature forecast wind hurricane flood
 climate drought heat thunder humidity emission carbon pollution forest wildlife degree
education school: school teacher student exam university class homework lesson degree college curriculum
 professor learn grade tuition classroom lecture pupil
crime law legal: police thief robbery arrest murder court judge jail suspect crime stolen criminal detective
 guilty lawyer lawsuit contract verdict trial prison
billing payment payments invoice invoices refund refunds pricing finance: invoice charge charged refund
 payment pay bill card subscription price fee receipt money twice overcharge credit billed cost paid
technical bug bugs tech-support support error software it: error crash bug broken install login password
 freeze screen app website load loading connect reset update work working slow fail fails button page server
shipping delivery logistics order orders: deliver delivery package parcel ship shipped shipping arrive
 arrived tracking courier late order address box warehouse track
account login access: account login password username sign locked email profile reset access log register
sales purchase: buy purchase price quote discount offer order upgrade plan demo trial
cancellation cancel: cancel cancellation unsubscribe terminate stop end
feedback praise compliment: thank great love excellent wonderful appreciate helpful amazing
complaint complaints negative-feedback: complain terrible unacceptable disappointed angry worst rude broken
 late refund never awful poor
question inquiry enquiry request information: what how when where why who can could would please wonder know
 tell
spam junk scam phishing advertisement promotional promotion: free winner won win prize click cash offer
 urgent limited claim congratulations guarantee credit lottery viagra buy discount cheap selected bonus act
 money subscribe million
ham not-spam legitimate personal work normal: meeting tomorrow lunch see attached report regards home dinner
 mom project thanks call later notes agenda schedule office
urgent high critical emergency high-priority: urgent immediately asap emergency now critical down outage
 crash fire deadline today breach serious
low not-urgent low-priority routine: whenever someday eventually minor question wondering hurry curious nice
 suggestion convenient rush
joy happy happiness: happy joy delighted glad smile celebrate wonderful love excited laugh cheerful thrilled
sadness sad: sad cry cried miss lonely grief tears heartbroken lost sorrow depressed unhappy
anger angry: angry furious hate mad rage outrage annoyed yell unfair outraged
fear scared afraid: afraid scared fear terrified worried nervous panic frightened anxious threat
surprise surprised: surprise surprised unexpected suddenly shocked wow unbelievable astonished
fruit fruits: apple banana cherry grape mango orange peach pear plum strawberry lemon kiwi melon pineapple
 apricot fig
vegetable vegetables: carrot potato onion spinach broccoli cabbage lettuce cucumber pea bean celery garlic
 leek turnip
animal animals: dog cat horse cow lion tiger elephant rabbit mouse bear wolf fox sheep goat monkey whale
 giraffe
bird birds: eagle sparrow owl parrot penguin pigeon robin swan hawk crow duck
colour color colours colors: red blue green yellow purple black white brown pink grey gray turquoise violet
vehicle vehicles transport cars: car truck bus bicycle train motorcycle van tram boat ship airplane engine
 drive
furniture: chair table sofa bed desk shelf wardrobe couch drawer bookcase stool
english: the and is of to in that with for was are this have not
german: der die das und ist nicht ein eine mit auf ich wir haben sie
french: le la les et est une dans pour que nous vous avec je pas
spanish: el los las y es una en para que con por muy del esta
italian: il gli di che un per con sono della molto questo non
"""
_POSITIVE = """
good great excellent love loved lovely wonderful amazing fantastic awesome happy delighted perfect best
enjoy enjoyed pleasant pleased superb brilliant friendly helpful recommend beautiful fast tasty delicious
satisfied impressive impressed exceeded outstanding terrific nice easy comfortable glad thrilled favorite
favourite smooth clean reliable thank thanks flawless charming fun quickly gorgeous generous marvelous worth
magnificent joy incredible solid stunning exceptional like liked works
"""
_NEGATIVE = """
bad terrible awful hate hated horrible worst poor disappointing disappointed disappointment broken broke
useless slow rude angry boring waste wasted dirty unhappy annoying annoyed ugly fail failed fails failure
problem problems refund never cold uncomfortable expensive overpriced frustrating frustrated dreadful
disgusting unreliable defective faulty crash crashes crashed regret mess noisy late unacceptable unfriendly
lousy mediocre died die dead ignored unanswered return returned complaint complaints insult cracked leaking
leaks pathetic damaged wrong sad painful stopped dull bland cheap worse tasteless unhelpful buggy freezing
ruined nightmare misleading
"""
_SHORTEST = 3


def stem(word: str) -> str:
    """Cut the commonest English endings."""
    folded = word.casefold().removesuffix("'s")
    for ending, rest in (("ies", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", "")):
        if folded.endswith(ending) and len(folded) - len(ending) >= _SHORTEST and not folded.endswith("ss"):
            return _undoubled(folded.removesuffix(ending) + rest)
    return folded.removesuffix("e") if len(folded) > _SHORTEST else folded


def _undoubled(word: str) -> str:
    if len(word) > _SHORTEST and word[-1] == word[-2] and word[-1] not in "lsz":
        return word[:-1]
    return word.removesuffix("e") if len(word) > _SHORTEST else word


def words(text: str) -> list[str]:
    """Return the text's words in lower case."""
    return re.findall(r"[^\W\d_]+(?:['-][^\W\d_]+)*", text.casefold())


def stems(text: str) -> list[str]:
    """Return the stems of the text's words."""
    return [stem(word) for word in words(text)]


def _read_topics() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for entry in re.split(r"\n(?=\S)", _TOPICS.strip()):
        names, members = entry.split(":", 1)
        own = frozenset(map(stem, [*names.split(), *members.split()]))
        for name in names.split():
            found[name] = found.get(name, frozenset()) | own
    return found


TOPICS = _read_topics()
POSITIVE = frozenset(map(stem, _POSITIVE.split()))
NEGATIVE = frozenset(map(stem, _NEGATIVE.split()))
