"""What a video shows, in sentences: the first thing that a report says."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from eyeline.export.summary import SPEAKING, Fraction, PersonSummary, Summary
from eyeline.export.words import count, duration, label_of, part, percent, title
from eyeline.people.shared_looks import JOINT, MUTUAL
from eyeline.results import Analysis, Scores, person_label, person_number


@dataclass(frozen=True)
class Headline:
    """One answer in words."""

    claim: str
    detail: str
    source: str = ""
    """`system/builder` that it rests on."""


def headlines(analysis: Analysis, summary: Summary) -> list[Headline]:
    """The answers in words, each with its numbers and where it comes from."""
    sources = {s.name: f"{s.system}/{s.builder}" for s in summary.segments}
    lines = [
        _people(analysis),
        *_speech(analysis, summary, sources.get("speaking", "")),
        *_looks(summary, sources.get("gaze_target", "")),
        *_states(summary, sources),
    ]
    return [
        Headline(analysis.shown(one.claim), analysis.shown(one.detail), one.source) for one in lines
    ]


def _people(analysis: Analysis) -> Headline:
    n = len(analysis.persons)
    claim = f"{count(n, 'person was', 'people were')} seen" if n else "Nobody was seen"
    longest = max(analysis.persons, key=lambda p: p.seen_s, default=None)
    video = analysis.video
    detail = f"in {duration(video.analysed_s if video.parts else video.duration_s)} of video"
    detail += " that were analysed" if video.parts else ""
    if longest is not None and n > 1 and not _tied([p.seen_s for p in analysis.persons]):
        detail += f"; {longest.label} longest, {duration(longest.seen_s)}"
    return Headline(claim, detail)


def _speech(analysis: Analysis, summary: Summary, source: str) -> Iterator[Headline]:
    if not analysis.video.has_audio:
        yield Headline("The video has no audio", "so that nothing is said about speech")
        return
    if summary.speech_s is None:
        if any(answer.name == SPEAKING for answer in analysis.of(Scores)):
            yield Headline("Who speaks cannot be measured", "there is no audio that could tell")
        return
    speakers = _ranked(summary, lambda p: p.speaking)
    rest = [(summary.unseen_s, "by nobody visible"), (summary.unsure_s, "not sure by whom")]
    parts = [f"{duration(seconds)} {whose}" for seconds, whose in rest if seconds]
    if not speakers and not parts:
        yield Headline("Nobody speaks", "no speech was heard", source)
    elif speakers:
        person, fraction = speakers[0]
        voiced = duration(summary.speech_s)
        detail = f"{duration(fraction.seconds)}, {percent(fraction.fraction)} of {voiced} of speech"
        if parts:
            detail += f", of which {duration(summary.attributed_s)} are attributed"
        detail += "".join(f"; then {p.label}, {duration(s.seconds)}" for p, s in speakers[1:2])
        yield Headline(
            _most(f"{person.label} speaks", speakers), "; ".join([detail, *parts]), source
        )
    elif summary.unsure_s:
        claim = "It cannot be said who speaks"
        yield Headline(claim, f"{duration(summary.speech_s)} of speech: {'; '.join(parts)}", source)
    else:
        detail = f"{duration(summary.unseen_s)} of speech, all by people who are not visible"
        yield Headline("Only unseen people speak", detail, source)


def _looks(summary: Summary, source: str) -> Iterator[Headline]:
    if not source:
        return
    received = [(p, *_received(summary, p)) for p in summary.persons if p.person > 0]
    received = [entry for entry in received if entry[1] > 0]
    if received:
        person, seconds, fan, fraction = max(received, key=lambda entry: entry[1])
        detail = f"{duration(seconds)} in all; most by {fan.label}, {duration(fraction.seconds)}, "
        detail += f"{part(fraction.fraction, fraction.of_s)} of their looks"
        tied = len(received) > 1 and _tied([entry[1] for entry in received])
        claim = f"{person.label} is looked at" + (" most, others as long" if tied else " most")
        yield Headline(claim, detail, source)
    elif any(p.followed_s for p in summary.persons):
        followed = duration(sum(p.followed_s for p in summary.persons))
        yield Headline(
            "Nobody looks at another visible person", f"in {followed} of looks followed", source
        )
    elif summary.persons:
        yield Headline("No look could be followed", "so that nothing is said about whom", source)
        return
    yield from _mutual(summary, source)
    yield from _joint(summary, source)


def _mutual(summary: Summary, source: str) -> Iterator[Headline]:
    if summary.mutual:
        pair, fraction = max(summary.mutual.items(), key=lambda item: item[1].seconds)
        names = " and ".join(person_label(n) for n in pair)
        most = " most" if len(summary.mutual) > 1 else ""
        measured = part(fraction.fraction, fraction.of_s)
        detail = f"{_pieces(fraction)}; {measured} in which both are followed"
        yield Headline(f"{names} look at each other{most}", detail, source)
    elif summary.mutual is not None and len(summary.persons) > 1:
        yield Headline("No two people look at each other", "at any one time", source)


def _joint(summary: Summary, source: str) -> Iterator[Headline]:
    for target, fraction in itertools.islice((summary.joint or {}).items(), 1):
        measured = part(fraction.fraction, fraction.of_s)
        detail = f"{_pieces(fraction)}; {measured} in which two are followed"
        what = target if person_number(target) else f"the {target}"
        yield Headline(f"Two or more look at {what} together", detail, source)


def _received(summary: Summary, person: PersonSummary) -> tuple[float, PersonSummary, Fraction]:
    """How long a person is looked at in all, and who does it longest."""
    none = Fraction(0.0, 0.0, 0, 0.0)
    looks = [(p, p.targets.get(person.label, none)) for p in summary.persons]
    fan, fraction = max(looks, key=lambda look: look[1].seconds)
    return sum(s.seconds for _, s in looks), fan, fraction


def _states(summary: Summary, sources: dict[str, str]) -> Iterator[Headline]:
    names = dict.fromkeys(name for p in summary.persons for name in p.states)
    for name in names:
        if name in (MUTUAL, JOINT):
            continue
        ranked = _ranked(summary, lambda p, name=name: p.states.get(name))  # type: ignore[misc]
        if not ranked:
            yield _none_of(summary, name, sources[name])
            continue
        person, fraction = ranked[0]
        label = label_of(name)
        claim = _most(f"{person.label} {label.claim or label.title}", ranked)
        detail = (
            f"{_pieces(fraction)}; {part(fraction.fraction, fraction.of_s)} that could be measured"
        )
        yield Headline(claim, detail, sources[name])


def _none_of(summary: Summary, name: str, source: str) -> Headline:
    """That a state was not seen, or that it could not have been."""
    fractions = [p.states[name] for p in summary.persons if p.person > 0 and name in p.states]
    measured_s = sum(fraction.of_s for fraction in fractions)
    if fractions and not measured_s:
        what = f"{title(name)} could not be measured"
        return Headline(what[0].upper() + what[1:], "of anybody; that is not a no", source)
    claim = label_of(name).nobody or f"Nobody {title(name)}"
    together = ", all people together" if len(fractions) > 1 else ""
    return Headline(claim, f"in {duration(measured_s)} that could be measured{together}", source)


def _ranked(
    summary: Summary, of: Callable[[PersonSummary], Fraction | None]
) -> list[tuple[PersonSummary, Fraction]]:
    fractions = [(p, of(p)) for p in summary.persons]
    present = [(p, s) for p, s in fractions if s is not None and s.seconds > 0]
    return sorted(present, key=lambda entry: -entry[1].seconds)


def _most(claim: str, ranked: Sequence[tuple[PersonSummary, Fraction]]) -> str:
    """The claim about the first of some people, who does it most, alone or as long as others."""
    if len(ranked) == 1:
        return claim
    tied = [p for p, s in ranked[1:] if _tied([s.seconds, ranked[0][1].seconds])]
    if not tied:
        return f"{claim} most"
    others = tied[0].label if len(tied) == 1 else f"{len(tied)} others"
    return f"{claim} most, {others} as long"


def _tied(seconds: Sequence[float]) -> bool:
    """Whether the two longest times read the same."""
    first, second = sorted(seconds)[-1:-3:-1]
    return duration(first) == duration(second)


def _pieces(fraction: Fraction) -> str:
    if fraction.episodes == 1:
        return f"{duration(fraction.seconds)} in one piece"
    return (
        f"{duration(fraction.seconds)} in {count(fraction.episodes, 'episode')}, "
        f"the longest {duration(fraction.longest_s)}"
    )
