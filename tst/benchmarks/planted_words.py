"""The words of the planted benchmark."""

from __future__ import annotations

_PLACES = (
    "harbour", "market square", "railway station", "school yard", "botanical garden", "beach",
    "mountain hut", "car park", "farmyard", "playground", "canal bank", "bus stop",
)  # fmt: skip
_TIMES = ("at dawn", "in the morning", "at noon", "at dusk", "at night")
# one per group
SCENES = tuple(f"{place} {time}" for place in _PLACES for time in _TIMES)
VIEWS = (
    "wide", "close-up", "grainy", "slightly blurred", "sharp", "faded", "tilted", "overexposed",
    "black-and-white", "cropped", "scratched", "dark",
)  # fmt: skip
WEATHERS = (
    "in light rain", "under a clear sky", "in thick fog", "in falling snow", "in bright sun",
    "under grey clouds", "on a windy day", "after a storm", "in a heat haze", "in a hailstorm",
    "on a mild day", "before a thunderstorm",
)  # fmt: skip
FRAMES = (
    "{ask} in this {view} picture of the {scene}, taken {weather}?",
    "{ask} in the {view} photo that shows the {scene} {weather}?",
    "{ask} in the {view} image of the {scene} {weather}?",
)

ASK_ANIMAL = (
    "which animal is nearest to the camera",
    "which animal looks towards the viewer",
)
ANIMALS = (
    "a dog", "a cat", "a horse", "a goat", "a heron", "a donkey", "a sheep", "a goose", "a crow",
    "a rabbit", "a pigeon", "a squirrel",
)  # fmt: skip

ASK_ITEM = (
    "which of these items lies on the ground",
    "which of these items has been left behind",
)
FAVOURITE_ITEMS = ("an umbrella", "a suitcase", "a bicycle pump")
OTHER_ITEMS = (
    "a glove", "a newspaper", "a thermos", "a football", "a straw hat", "a camera", "a rope",
    "a lantern", "a wooden crate",
)  # fmt: skip

ASK_PERSON = (
    "which description fits the person in the middle",
    "who stands next to the entrance",
)
PEOPLE = (
    "a man in a coat", "a girl in red", "a tall woman", "an old sailor", "a young cook",
    "a boy in boots", "a tired guard", "a street vendor", "a cyclist", "a woman in blue",
    "a gardener", "a man in a cap",
)  # fmt: skip
# each longer than any of PEOPLE, so that the option that has one is the longest
CLAUSES = (
    "who is holding a folded map in one hand",
    "who carries a heavy basket on one shoulder",
    "who leans against a low stone wall",
    "who is talking to somebody out of view",
    "who has just put down a large bag",
    "who points at something in the distance",
)

ASK_RELATION = (
    "where is the {a} relative to the {b}",
    "how does the {a} stand with respect to the {b}",
)
FIRST_OBJECTS = ("bench", "barrel", "ladder")
SECOND_OBJECTS = ("fountain", "lamp post", "doorway")
RELATIONS = ("to the left of it", "to the right of it", "in front of it", "behind it")

ASK_COUNT = (
    "how many {a} are there",
    "what is the number of {a} that are visible",
)
COUNTED = {"windows": 12, "flags": 2, "chairs": 7, "boats": 4, "bottles": 18}

ASK_PEOPLE = (
    "how many people stand on the {a}",
    "what is the number of people on the {a}",
)
SIDES = ("left side", "right side", "stairs", "near side", "far side", "footpath")

ASK_COLOUR = (
    "what colour is the {a}",
    "in which colour is the {a} painted",
)
VEHICLES = ("van", "tractor", "rowing boat", "handcart", "motorcycle", "delivery truck")
COLOURS = (
    "green", "blue", "white", "yellow", "brown", "grey", "purple", "orange", "black", "silver",
)  # fmt: skip

ASK_DISTANCE = (
    "how many metres away is the {a}",
    "what is the distance in metres to the {a}",
)
LANDMARKS = ("church tower", "water tank", "stone bridge", "signpost", "old oak", "brick chimney")


def frame_question(frame: int, view: str, scene: str, weather: str, ask: str) -> str:
    """One whole question."""
    text = FRAMES[frame].format(view=view, scene=scene, weather=weather, ask=ask)
    return text[0].upper() + text[1:]
