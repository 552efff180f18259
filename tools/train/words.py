"""The words the training text is made of, and which of them are kept for evaluation only."""
import zlib

NAME_STARTS = ("Al Ar Bel Bor Bran Cal Cor Dar Del Dor El Er Fal Fen Gar Gil Gor Hal Har Hel Il Jor Kal Kar Kel Lan Lor Mar Mel Mir Mor Nal Ner Nor Ol Or "
               "Pel Per Quin Rad Ral Ren Ros Sal Sel Sig Sol Tal Tar Tor Ul Var Vel Ves Wil Wen Yor Zan Zel Thal Bryn Cass Ed Ger Hild Is Jan Lys Os Rag Tam "
               "Ysol").split()
NAME_ENDS = ("a ac aen ain ak an and ar ard as ath bert da dan den dil din do dra dred ek el ella en eth ett gar gard gor grim ia ias ic iel ik il in ina "
             "ion ira is issa ka kin la las len lia lin lis lo mar mer min mir mond na nar neth nia nor o on or ora os ra rak ric rik rin ro ros sa sen "
             "sha ta tan ten thas tia tor us va van vek ven vin wen wick win wyn ya yn zar").split()
COMMON_NAMES = ("Anna Bruno Clara Dmitri Emma Felix Greta Hugo Ines Jonas Katrin Leo Marta Nils Olga Pavel Rosa Simon Tilda Ursula Viktor Wanda Yara Agnes "
                "Boris Cecily Edith Franz Gerda Heinrich Ida Jakob Karl Lena Magnus Nora Otto Petra Rolf Sven Thea Ulrich Vera Walter Agatha Bertram Cedric "
                "Dora Edmund Flora Gareth Harold Iris Jasper Kira Lydia Milo Nell Oswin Piers Rowan Sybil Tobias Wendel Elise Marcel Pierre Lucia Carlos "
                "Diego Elena Paolo Giulia Marco Sofia Mateo").split()
TOWN_STARTS = ("Oak Stone River Ash Mill Raven Frost Gold Silver Iron Wolf Deer Fox Black White Red Green Grey Wind Storm Sun Moon Star Thorn Rose Apple "
               "Birch Elm Copper Salt Sand Lake Brook Marsh Hill High Low East West North South King Queen Bishop Crow Swan Bear Hart Kirk Winter Summer "
               "Ember Drift Honey").split()
TOWN_ENDS = ("ford bridge haven wick ton dale field gate holm wood mere brook hurst stead burg fall crest well reach moor port cliff vale watch hollow "
             "rest side ham view").split()
ITEM_KINDS = ("iron steel silver bronze copper oak leather wool linen bone glass golden wooden stone old rusty sharp heavy light small long short round "
              "blue red green black white grey fine plain painted carved blessed polished curved broken elven dwarven woven hunting").split()
ITEMS = ("dagger|sword|axe|bow|shield|helmet|lantern|rope|cloak|ring|amulet|key|map|book|scroll|candle|cup|bowl|kettle|pot|knife|"
         "spear|staff|hammer|saddle|drum|flute|horn|mirror|comb|belt|hat|coat|pair of boots|pair of gloves|basket|blanket|bell|chest|"
         "compass|crown|fishing rod|flask|hook|lute|mask|net|potion|pouch|quill|shovel|torch|whistle|chain|brooch|bracelet|necklace|"
         "tankard|barrel|ladder|spoon|needle").split("|")
ITEM_OF = "light|fire|shadows|luck|kings|the north|the sea|wisdom|the moon|truth|storms|roses|bone|winter|the wolf|silence|the sun".split("|")
FOODS = "bread cheese honey cider apples pies soup stew mushrooms fish salt tea wine beer plums cake butter onions ham eggs".split()
PLACE_KINDS = ("old north south east west stone broken burned ruined great little upper lower hidden sunken royal red white black green grey silver golden "
               "iron dusty quiet crooked frozen misty abandoned holy long").split()
PLACES = ("mill bridge gate tower well chapel market harbour smithy bakery tavern inn library temple graveyard castle barracks stable mine cave forest "
          "lake shrine bathhouse guildhall warehouse lighthouse prison garden school ferry quarry windmill monastery watchtower farm brewery crypt fort "
          "archive").split()
INN_KINDS = "Gilded Silver Drunken Laughing Sleeping Prancing Broken Merry Golden Black White Crooked Lucky Howling Dancing Rusty".split()
INN_NAMES = "Fox Stag Goose Boar Lantern Anchor Barrel Griffin Cat Pony Raven Crown Badger Otter Hound Kettle".split()
STREETS = "Fox Rose Tanner Candle Baker Mill Church Bridge King Silver Water Copper Market Cooper Weaver Garden Harbour Mason Swan Well".split()
STREET_KINDS = "Lane Street Row Alley Way Square Road".split()
TRADES = ("blacksmith|baker|innkeeper|merchant|fisherman|hunter|guard|healer|priest|farmer|miller|tailor|carpenter|mason|sailor|"
          "shepherd|cook|brewer|potter|weaver|tanner|jeweller|scribe|librarian|alchemist|bard|captain|ferryman|gardener|beekeeper|"
          "candlemaker|cobbler|cartographer|stablehand|miner|woodcutter|herbalist|fletcher|armourer|glassblower|butcher|ranger|monk|"
          "knight|squire|thief|smuggler|wizard|witch|fortune teller|gravedigger|bell ringer|tax collector|toy maker|lamplighter").split("|")
CREATURES = "wolves goblins bandits rats spiders skeletons trolls bats snakes boars ghosts pirates ogres crows".split()
GOODS = ("wolf pelts|herbs|red mushrooms|iron nails|bottles of wine|blue feathers|sacks of flour|bear claws|candles|spider eggs|old coins|"
         "barrels of cider|bundles of wood|silver bells|pots of honey|rare flowers|fresh fish|snake skins|letters|oak planks|lumps of coal|"
         "stone tiles|baskets of apples|crystal shards").split("|")
RELATIONS = "brother|sister|cousin|friend|rival|neighbour|uncle|aunt|teacher|apprentice|partner|old friend".split("|")
# gold is commonest
CURRENCIES = "gold gold gold gold silver silver copper coins crowns".split()
CITIES = ("Berlin Vienna Paris Rome Madrid Lyon Milan Hamburg Zurich Geneva Lisbon Prague Munich Turin Seville Florence Basel Cologne Dresden Nantes "
          "Bologna Valencia Toledo Verona Oslo Warsaw Dublin London York Leeds").split()
DAYS = "Mondays Tuesdays Wednesdays Thursdays Fridays Saturdays Sundays".split()


def held(word):
    """True for the names, towns, places and wares that only evaluation and validation may use: about 1 in 12."""
    return zlib.crc32(word.encode()) % 12 == 0
