"""What is said in the sample talk: a short interview about waiting, written for this project.

A passage is a run of lines that works on its own, as a clip should; `slide` is shown while its line is spoken.
"""

from dataclasses import dataclass
from typing import Literal

Speaker = Literal["A", "B"]


@dataclass(frozen=True)
class Line:
    """One spoken sentence. `A` asks, `B` answers. `slide`: a headline and what is written under it."""

    speaker: Speaker
    text: str
    slide: tuple[str, str] | None = None


SHOW = "SECOND LOOK"
ROLES: dict[Speaker, tuple[str, str]] = {"A": ("The host", "asks the questions"), "B": ("The guest", "studies how people wait")}

OPENING = [
    Line("A", "Welcome back to Second Look, the show about small changes with large effects."),
    Line("A", "My guest has spent twenty years watching people wait."),
]

PASSAGES = [
    [
        Line("A", "What is the cheapest repair you have ever seen?"),
        Line("B", "A mirror."),
        Line("B", "An office tower had three hundred complaints a year about its slow lifts."),
        Line("B", "New motors would have cost four hundred thousand dollars.", ("$400,000", "for new motors")),
        Line("B", "Then a cleaner named Ruth suggested a mirror beside every door, for ninety dollars each."),
        Line("B", "Within a month, the complaints fell from six a week to one."),
        Line("B", "The lifts never got faster, people simply stopped counting."),
    ],
    [
        Line("A", "So is waiting all in our heads?"),
        Line("B", "Mostly, and one small bakery can prove it."),
        Line("B", "The owner moved the till from the end of the counter to the front."),
        Line("B", "Everybody paid first, and then watched the bread come out of the oven."),
        Line("B", "The average wait went up by forty seconds, and sales rose eleven percent.", ("+40 s", "wait up, sales +11%")),
        Line("A", "They waited longer, and they liked it more?"),
        Line("B", "Nobody minds waiting for something, we only hate waiting for nothing."),
    ],
    [
        Line("A", "Tell me about the time you got it completely wrong."),
        Line("B", "Ten years ago, a hospital asked me to fix its emergency room."),
        Line("B", "I was proud of my plan, a huge screen with the minutes left for every family."),
        Line("B", "By Friday, the nurses had covered it with a bed sheet."),
        Line("A", "What happened?"),
        Line(
            "B",
            "A clock that says two hours is a promise, and we broke it nine times a day.",
            ("9 times", "a broken promise, daily"),
        ),
        Line("B", "So we took it down, and a volunteer spoke with each family every fifteen minutes."),
        Line("B", "The anger fell by half, and it cost us nothing but kindness."),
    ],
    [
        Line("A", "Give us one rule that anyone can use tomorrow."),
        Line("B", "Never tell people to be patient, tell them what happens next."),
        Line("B", "My plumber does that better than any airline."),
        Line("B", "He sends three messages, I have left, I am ten minutes away, and I am at your door."),
        Line("B", "The man is late as often as everybody else, and he has four hundred five star reviews."),
        Line("A", "He sells certainty, not speed."),
        Line("B", "Exactly, and certainty is free.", ("Certainty", "is free")),
    ],
    [
        Line("A", "Let me look at my notes for a moment."),
        Line("B", "Take your time, I am good at this."),
        Line("A", "Fine, I think we have covered most of that already."),
    ],
    [
        Line("A", "What is the biggest myth about queues?"),
        Line("B", "That five short lines are faster than one long line."),
        Line("B", "Picture five tills, and one shopper with a bag of loose coins."),
        Line("B", "In five short lines, everyone behind her is stuck for six minutes."),
        Line("B", "In one long line she blocks a single till, and the other four keep moving."),
        Line(
            "B",
            "Same shoppers, same tills, and the worst wait drops from fourteen minutes to five.",
            ("14 to 5", "minutes, at worst"),
        ),
        Line("A", "Then why does every supermarket keep the short lines?"),
        Line("B", "A long line looks frightening, and fear always beats arithmetic."),
    ],
    [
        Line("A", "Does any of this work outside of shops?"),
        Line("B", "I once tried it on my own daughter."),
        Line("B", "She was six, and every drive was one long question, are we there yet?"),
        Line("B", "So I tied twenty knots in a string, and she opened one in every town.", ("20 knots", "one for every town")),
        Line("B", "We drove for seven hours, and she never asked again."),
        Line("B", "Last summer she found that string in a drawer, and she is nineteen now."),
        Line("B", "She had kept it, she told me, because that was the day the road got short."),
    ],
]

CLOSING = Line("A", "That is all for today, thank you for waiting with us.")
