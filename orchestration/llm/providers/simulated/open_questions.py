"""Six questions without one right answer, each with a good, a fair and a poor answer to be reviewed."""

from __future__ import annotations

from orchestration.llm.providers.simulated.attempt import AskedQuestion, dice
from orchestration.llm.providers.simulated.catalog import SimulatedProfile
from orchestration.llm.providers.simulated.reading import identity, words
from orchestration.llm.providers.simulated.solution import Solution

_TEXTS = """
What makes a code review useful to the person whose code is reviewed?
It arrives within a day and separates what must change from what is taste. Each remark names the line, the
risk and a way out, so that the author can act without asking back. It also says what is good.
| It is friendly and thorough. Reviewers explain their remarks, look for mistakes and missing tests, and do
not argue about formatting, which a tool can check for everybody.
| Code reviews are important. Every team does them, and with more reviewers the code becomes better.

How should a small team decide which bug to fix first?
Rank bugs by harm times reach: how bad it is for one user, times how many meet it in a week. Data loss and
security come before everything else. Among equals fix the cheaper one, and look again every Monday.
| Sort the bugs into critical, normal and minor, and start with the critical ones. Ask support which problems
users complain about most, and keep some time each week for small fixes.
| Fix them in the order in which they come in. In the end all of them have to be fixed anyway.

How would you explain a database index to someone who does not program?
Think of the index of a cookbook. Without it you leaf through every page to find the recipes with leeks; with
it you turn straight to three pages. The price: the list takes space, and new recipes must be entered in it.
| It is a sorted list that a database keeps beside the data, so that it finds entries faster than by reading
everything. It is like the index of a book, and it makes writing a little slower.
| An index is a B-tree over one or more columns that the query planner can use. It makes queries fast.

Write a short apology to a customer whose order arrived a week late.
Dear customer, your order reached you a week later than we promised, and we are sorry. A truck broke down and
we did not tell you, which was our mistake. We refunded the shipping fee today and will report delays at once.
| Dear customer, we apologise for the late delivery of your order. We know that waiting is annoying, and we
are working on our shipping so that it does not happen again. Thank you for your patience.
| Dear customer, deliveries are sometimes late, as is explained in our terms. Many orders were late then.

What can we do so that our weekly meeting takes half the time?
Send status in writing the day before and meet only for decisions: each item on the agenda is a question with
an owner and ten minutes. Invite those who decide, stop early when the list is done, and drop empty weeks.
| Prepare an agenda, start on time, and ask somebody to watch the clock. Long discussions between two people
continue after the meeting, and not everybody has to attend each time.
| Everybody should speak faster and come to the point. Standing up during the meeting also helps.

Should our team start its own blog?
Only if two people will write for a year, since a blog with three posts harms more than none. Try it small:
one post a month for a quarter on problems you solved anyway, count readers who mention it, then decide.
| A blog makes a team known and helps with hiring, but it takes time. Talk about who would write and how
often before starting, and choose topics that your readers care about.
| Yes, a blog is a great idea. Many companies have one. Just start it, the rest comes by itself.
"""
_GOOD_POWER, _ALIKE, _READ = 4, 0.75, 200
_ENTRIES = [entry.split("\n", 1) for entry in _TEXTS.strip().split("\n\n")]
OPEN_QUESTIONS = {
    question: tuple(" ".join(answer.split()) for answer in rest.split("\n| ")) for question, rest in _ENTRIES
}
_BY_WORDS = {tuple(words(question)): answers for question, answers in OPEN_QUESTIONS.items()}


def known_answers(question: str) -> tuple[str, ...]:
    """Return the answers to an open question, whatever its case and punctuation; none to any other."""
    return _BY_WORDS.get(tuple(words(question[:_READ])), ())


def open_answer(profile: SimulatedProfile, asked: AskedQuestion) -> Solution | None:
    """Return the answer that a model gives to an open question: the more skill, the better."""
    answers = known_answers(asked.question)
    chance = dice("open answer", profile.name, identity(asked.question), asked.draw).random()
    place = 0 if chance < profile.skill**_GOOD_POWER else 1 if chance < profile.skill else 2
    return Solution(answer=answers[place], working="") if answers else None


def grade(answers: tuple[str, ...], text: str) -> int:
    """Return 0 for a good answer, 1 for a fair and 2 for a poor one, by the words it shares with each."""
    said, known = set(words(text)), [set(words(answer)) for answer in answers]
    shares = [len(said & each) / len(each) for each in known]
    if max(shares) >= _ALIKE:
        return shares.index(max(shares))
    return 1 if shares[0] >= _ALIKE / 2 else 2
